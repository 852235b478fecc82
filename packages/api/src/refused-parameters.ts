import { endpoint, type Endpoint, type MatrixError } from '@matrix-futures/http';
import { sendPaths, sendWithoutTransactionPaths, statePaths } from './plain-paths.ts';

/**
 * What a generation that is switched off makes of its parameters on the plain endpoints: it refuses them. Ignored,
 * they would have the event sent at once, and a leave event that is sent at once ends the call.
 */
export function refuseParameters(parameters: readonly string[], refusal: () => MatrixError): Endpoint[] {
  const refused = (method: 'PUT' | 'POST', paths: readonly string[]): Endpoint =>
    endpoint({
      method,
      paths,
      when: { parameters },
      authentication: 'required',
      summary: 'Refuses to schedule',
      handle: () => {
        throw refusal();
      },
    });
  return [refused('PUT', [...sendPaths, ...statePaths]), refused('POST', sendWithoutTransactionPaths)];
}
