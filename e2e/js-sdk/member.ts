/** A member of a call in a process of its own, to be killed or stopped. */
import type { JoinSessionConfig } from 'matrix-js-sdk/lib/matrixrtc/index.js';
import { joinCall, present } from './call.ts';
import { joined, type Login, start } from './sdk-client.ts';

export interface Orders {
  readonly login: Login;
  readonly roomId: string;
  readonly config: JoinSessionConfig;
}

/** What the process says: that it is in the call, that it has left. */
export type Report = 'in' | 'out';

process.once('disconnect', () => process.exit());

const report = (what: Report): void => void process.send?.(what);

process.once('message', (orders: Orders) => {
  void (async () => {
    const client = await start(orders.login);
    await joined(client, orders.roomId);
    const session = joinCall(client, orders.roomId, orders.config);
    await present(session, orders.login.userId);
    report('in');
    process.once('message', () => {
      void session.leaveRoomSession().then(() => report('out'));
    });
  })();
});
