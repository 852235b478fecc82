import type { Draft, RemoteHomeserver } from '@matrix-futures/engine';
import type { HomeserverKind } from '../kinds/kind.ts';
import type { Puppet } from '../upstream/puppet.ts';
import type { Reachability } from '../upstream/reachability.ts';
import { Attempt } from './attempt.ts';
import { judgeForm } from './draft-form.ts';
import { Invitations } from './invitations.ts';
import { Look } from './look.ts';
import type { Masquerades } from './masquerades.ts';
import { OwnTrouble } from './own-trouble.ts';
import type { RoomReader } from './room-reader.ts';
import { type JudgeAccount, SenderJudge } from './sender.ts';
import { StateHistory } from './state-history.ts';
import { StateProof } from './state-proof.ts';
import { Witnesses } from './witnesses.ts';

export interface RemoteHomeserverParts {
  readonly puppet: Puppet;
  readonly masquerades: Masquerades;
  readonly rooms: RoomReader;
  /** what is known of it by now */
  readonly kind: () => HomeserverKind;
  readonly reachability: Reachability;
  readonly judgeAccount: JudgeAccount;
  /** told of what only the operator can mend */
  readonly onTrouble: (trouble: OwnTrouble) => void;
}

/** The homeserver behind the gateway, as the engine sees it: events reach it by masquerading as their senders. */
export function createRemoteHomeserver(parts: RemoteHomeserverParts): RemoteHomeserver {
  const { puppet, rooms, kind, reachability, judgeAccount, onTrouble } = parts;
  const witnesses = new Witnesses();
  const invitations = new Invitations(puppet);
  const history = new StateHistory(rooms, kind);
  const senders = new SenderJudge(rooms, invitations, witnesses, judgeAccount);
  const attempt = new Attempt({ ...parts, proof: new StateProof(rooms) });
  const look = new Look({ rooms, invitations, history, witnesses, kind });
  // An attempt comes after these, so that without them the operator would never be told.
  const told = async <T>(asked: Promise<T>): Promise<T> => {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof OwnTrouble) onTrouble(error);
      throw error;
    }
  };
  return {
    kind: 'remote',
    judgeForm: (draft) => judgeForm(draft, kind()),
    memoryOf: (draft) => (isPlainMessage(draft) ? kind().memory : 'forgets'),
    judgeSender: (draft) => told(senders.judge(draft)),
    fence: (key, as) => told(history.fence(key, as)),
    newState: (key, as, fence) => told(history.newState(key, as, fence)),
    deliver: (draft, transactionId, timestamp, limit) => attempt.make(draft, transactionId, timestamp, limit),
    look: (sent) => told(look.at(sent)),
    isAway: () => reachability.isAway,
    onReturn: (run) => reachability.onReturn(run),
  };
}

const isPlainMessage = ({ stateKey, type }: Draft): boolean =>
  stateKey === null && type !== 'm.room.redaction';
