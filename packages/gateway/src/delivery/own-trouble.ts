import { HomeserverUnavailable } from '@matrix-futures/engine';
import { readError } from './answer-error.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';

/**
 * The homeserver refuses the gateway itself: its registration is missing, its token was rotated, the user is in none of
 * its namespaces. Never an event's refusal; it is tried again, and told to the operator, who alone can mend it.
 */
export class OwnTrouble extends HomeserverUnavailable {
  static of(answer: UpstreamAnswer): OwnTrouble {
    const { errcode, error } = readError(answer);
    return new OwnTrouble(
      `The homeserver refuses the gateway: ${answer.status} ${errcode ?? 'without an errcode'}: ${error}. ` +
        'Is puppet.yaml, as the gateway has it, loaded by the homeserver? `matrix-futures doctor` tells more.',
    );
  }
}
