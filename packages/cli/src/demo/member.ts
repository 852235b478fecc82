/**
 * Bob, in a process of his own: joins the call with one request that carries his leave as well, then refreshes the
 * leave until somebody kills him.
 */
import { Type } from 'typebox';
import { machine, timers } from '../system.ts';
import { anything, request } from './client.ts';
import { leaveAfter, membership, refreshEvery, type Call, type Report } from './story.ts';

const batch = Type.Object({ send_on_timeout: Type.Object({ refresh_token: Type.String() }) });

const tell = (report: Report): void => void process.send?.(report);

async function join(call: Call): Promise<void> {
  const { send_on_timeout: leave } = await request(
    call,
    'PUT',
    `v3/rooms/${encodeURIComponent(call.room)}/send/future/join`,
    batch,
    {
      timeout: leaveAfter,
      send_now: { type: membership, state_key: call.stateKey, content: { application: 'm.call' } },
      send_on_timeout: { type: membership, state_key: call.stateKey, content: {} },
    },
  );
  tell({ did: 'joined' });
  const refresh = async (): Promise<void> => {
    const asked = machine.running();
    await request({ url: call.url }, 'PUT', `v3/futures/${leave.refresh_token}`, anything);
    tell({ did: 'refreshed', asked });
    timers.after(refreshEvery, () => void refresh());
  };
  timers.after(refreshEvery, () => void refresh());
}

process.once('message', (call: Call) => void join(call));
// Whoever started him is gone.
process.once('disconnect', () => process.exit());
