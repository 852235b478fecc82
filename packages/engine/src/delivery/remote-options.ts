import type { Ms } from '../clock.ts';

/** How a node delivers to a remote homeserver. */
export interface RemoteOptions {
  /** this node's name, the same after a restart */
  readonly node: string;
  /** one attempt is given up after this long, and one that was given up is certainly over after as long again */
  readonly requestLimit: Ms;
  /** how long a claim is ours without being renewed; more than two request limits */
  readonly lease: Ms;
  /** after this long without knowing, a future failed with an unknown outcome */
  readonly giveUpAfter: Ms;
  /** how many requests to the homeserver are under way at once, and how many claims of timers are on their way */
  readonly concurrency: number;
  /** how many of both may be for one user's futures: nobody takes all the places, whatever they send */
  readonly perOwner: number;
  readonly backOff: { readonly first: Ms; readonly longest: Ms };
  /** after so many attempts a future no longer holds up the later ones of its room */
  readonly attemptsInQueue: number;
  /** nor after so many during which the homeserver could not be reached */
  readonly unreachedInQueue: number;
}

export const defaultRemoteOptions: RemoteOptions = {
  node: 'single',
  requestLimit: 30_000,
  lease: 120_000,
  giveUpAfter: 86_400_000,
  concurrency: 32,
  perOwner: 16,
  backOff: { first: 500, longest: 60_000 },
  attemptsInQueue: 5,
  // About an hour with the longest pause: so long the order in a room outlasts an outage.
  unreachedInQueue: 65,
};
