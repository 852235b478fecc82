import type { Clock } from '@matrix-futures/engine';
import { clientV1, endpoint, MatrixError, unstable, type Endpoint } from '@matrix-futures/http';
import Type from 'typebox';
import type { AskService, Reached } from '../service-client.ts';
import type { ApplicationService, ApplicationServices } from '../services.ts';

const path = '/appservice/:id/ping';

/**
 * `POST /appservice/{appserviceId}/ping` (application service API, "Pinging"): a service asks whether it is reached.
 * If it is, what waits for it is told at once.
 */
export function pingService(
  services: ApplicationServices,
  clock: Clock,
  ask: AskService,
  onReached: (service: ApplicationService) => void,
): Endpoint {
  return endpoint({
    method: 'POST',
    paths: [...clientV1(path), ...unstable(['fi.mau.msc2659'], path)],
    authentication: 'required',
    summary: 'Asks an application service whether it is there',
    body: Type.Object({ transaction_id: Type.Optional(Type.String()) }),
    bodyOptional: true,
    handle: async ({ requester, params, body, signal }) => {
      const service = services.ofToken(requester.accessToken);
      if (service === null || service.id !== params.id) {
        throw new MatrixError('forbidden', 'Only an application service itself may have itself pinged.');
      }
      const { url } = service;
      if (url === null) {
        throw new MatrixError({ status: 400, errcode: 'M_URL_NOT_SET' }, 'The registration has no url.');
      }
      const { transaction_id: transactionId } = body();
      const began = clock.now();
      const sent = transactionId === undefined ? {} : { transaction_id: transactionId };
      const reached = await ask({ ...service, url }, 'POST', '/_matrix/app/v1/ping', sent, signal);
      requireSuccess(reached);
      onReached(service);
      return { body: { duration_ms: Math.round(clock.now() - began) } };
    },
  });
}

/** @throws MatrixError */
function requireSuccess(reached: Reached): void {
  switch (reached.kind) {
    case 'answered': {
      const { status, body } = reached;
      if (status >= 200 && status < 300) return;
      throw new MatrixError(
        { status: 502, errcode: 'M_BAD_STATUS' },
        `The application service answered ${status}.`,
        { status, body },
      );
    }
    case 'too-slow':
      throw new MatrixError(
        { status: 504, errcode: 'M_CONNECTION_TIMEOUT' },
        'The application service did not answer in time.',
      );
    case 'unreachable':
      throw new MatrixError(
        { status: 502, errcode: 'M_CONNECTION_FAILED' },
        'The application service cannot be reached.',
      );
  }
}
