import { remoteHomeserverConformance } from '@matrix-futures/engine/conformance';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { furtherHomeserver, openFurther } from '../conformance/further-homeserver.ts';
import { connectGateway } from '../conformance/gateway-connection.ts';
import { registerOpenly } from '../conformance/register-openly.ts';
import { tell } from '../conformance/registrations.ts';
import { startSynapse } from './synapse.ts';

const serverName = 'localhost';

remoteHomeserverConformance('Synapse', async () => {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'registrations-'));
  stack.defer(() => rm(directory, { recursive: true }));
  const { texts, registrations } = tell(serverName);
  const files = Object.entries(texts).map(([name, text]) => ({
    path: join(directory, `${name}.yaml`),
    text,
  }));
  for (const { path, text } of files) await writeFile(path, text);
  const synapse = stack.use(
    await startSynapse({
      serverName,
      registrations: files.map(({ path }) => path),
      config: { experimental_features: { msc4354_enabled: true } },
    }),
  );
  const opened = stack.move();
  return {
    kind: 'remote',
    url: synapse.url,
    sticks: true,
    makesUsers: false,
    restart: async () => {
      await synapse.kill();
      await synapse.start();
    },
    register: (name, password) => registerOpenly(synapse.url, name, password),
    connect: (to = {}) =>
      connectGateway({ url: to.url ?? synapse.url, token: to.token, takenFor: 'synapse', registrations }),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
});

const further = furtherHomeserver(process.env);
if (further !== null)
  remoteHomeserverConformance(`The homeserver at ${further.url}`, () => openFurther(further));
