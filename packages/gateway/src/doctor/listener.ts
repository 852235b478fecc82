import type { Timers } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { fileOf, type Registration } from '../registration/registration.ts';
import type { UpstreamAnswer } from '../upstream/upstream.ts';
import { asking, type Asked, errorCode, inShort, whereAnswered } from './asking.ts';
import { type Check, failed, type Finding, ok, unchecked } from './check.ts';
import { homeserver } from './homeserver.ts';

const duration = Compile(Type.Object({ duration_ms: Type.Number() }));

/** The homeserver reaches the gateway, and the gateway knows it (client-server specification, "Pinging"). */
export function listenerHears(upstream: Asked, listener: Registration, timers: Timers): Check {
  return {
    name: 'the homeserver reaches the gateway',
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const answer = await upstream.ask({
          method: 'POST',
          path: `/_matrix/client/v1/appservice/${encodeURIComponent(listener.id)}/ping`,
          token: listener.asToken,
          body: { transaction_id: 'doctor' },
        });
        if (answer.status === 404 || answer.status === 405) return fromHere(listener, timers);
        return judgePing(answer, listener);
      }),
  };
}

function judgePing(answer: UpstreamAnswer, { url }: Registration): Finding {
  if (answer.status === 200)
    return ok(duration.Check(answer.body) ? `at ${url}, in ${answer.body.duration_ms} ms` : `at ${url}`);
  if (errorCode(answer) === 'M_BAD_STATUS')
    return failed(
      `what listens at ${url} does not take its hs_token`,
      `restart homeserver and gateway, so that both have ${fileOf('listener')} as it is now`,
    );
  return failed(
    `it answers ${inShort(answer)} when it is to call ${url}`,
    `start the gateway where ${fileOf('listener')} says (url), or make the registrations anew with another --listener`,
  );
}

/** Not every homeserver can be asked to call. What can be seen without it is whether anybody would be there. */
async function fromHere({ url, hsToken }: Registration, timers: Timers): Promise<Finding> {
  if (url === null) return failed('the listener has no url', `write one into ${fileOf('listener')}`);
  return ping(url, hsToken, timers, (answer) =>
    answer.status === 200
      ? unchecked(
          `this homeserver has no way to be asked; from here the gateway is reached at ${url}, with the right token`,
        )
      : failed(
          `${url} answers ${inShort(answer)} to the hs_token`,
          `restart homeserver and gateway, so that both have ${fileOf('listener')} as it is now`,
        ),
  );
}

/** Whoever could speak in the homeserver's place could cancel every future of a state key. */
export function listenerRefusesStrangers({ url }: Registration, timers: Timers): Check {
  return {
    name: 'the gateway hears nobody else',
    run: async () => {
      if (url === null) return unchecked('the listener has no url');
      return ping(url, 'a-stranger', timers, (answer) =>
        answer.status >= 400
          ? ok(`a wrong hs_token is answered with ${inShort(answer)}`)
          : failed(
              `${url} takes any hs_token`,
              `let url in ${fileOf('listener')} lead to the gateway, and to nothing else`,
            ),
      );
    },
  };
}

/** Asks the gateway from here what the homeserver would ask, and judges its answer. */
async function ping(
  url: string,
  token: string,
  timers: Timers,
  judge: (answer: UpstreamAnswer) => Finding,
): Promise<Finding> {
  const gateway = asking(url, timers);
  const what = { is: 'The gateway', flag: `url in ${fileOf('listener')}` };
  try {
    return await whereAnswered(gateway, what, async () =>
      judge(await gateway.ask({ method: 'POST', path: '/_matrix/app/v1/ping', token, body: {} })),
    );
  } finally {
    gateway.close();
  }
}
