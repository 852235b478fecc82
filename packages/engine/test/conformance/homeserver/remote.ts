import { historyRules } from './history.ts';
import { judgingRules } from './judging.ts';
import { lookingRules } from './looking.ts';
import { outageRules } from './outages.ts';
import { repeatingRules } from './repeating.ts';
import type { RemoteScene } from './scene.ts';

/** What comes of a homeserver being elsewhere. */
export function remoteRules(scene: () => RemoteScene): void {
  repeatingRules(scene);
  lookingRules(scene);
  historyRules(scene);
  judgingRules(scene);
  outageRules(scene);
}
