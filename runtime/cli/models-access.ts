import { join } from 'node:path';
import { systemClock } from '../contracts/clock.js';
import type { ModelList, Models, ModelWork } from '../contracts/models.js';
import { type ControlCall, control } from './control.js';
import { CliFailure } from './failure.js';
import type { CliIo } from './io.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

/** Does something with the models: through the running server, or, where none runs, on the folders themselves under the lock of the data folder. */
export async function withModels<T>(
  flags: ConfigFlags,
  io: CliIo,
  verb: string,
  use: (models: Models) => Promise<T>,
): Promise<T> {
  const { config } = loadFromFlags(flags, io);
  const reply = await control(config.data_dir, { method: 'GET', path: '/models' });
  if (reply.server === 'running') return use(overSocket(config.data_dir));
  const [{ withOfflineLedger }, { openModelReader }, { Manifest }, { ModelStore }, { pullLimits }] =
    await Promise.all([
      import('./offline-access.js'),
      import('../../sandbox/index.js'),
      import('../models/manifest.js'),
      import('../models/store.js'),
      import('../models/download.js'),
    ]);
  return withOfflineLedger(config, verb, async ({ ledger, folder }) => {
    const { memory_bytes: memoryBytes, cpu_seconds: cpuSeconds } = config.sandbox;
    const reader = await openModelReader({ memoryBytes, cpuSeconds });
    const store = new ModelStore({
      folder: config.models_dir,
      manifest: await Manifest.read(join(folder, 'models.json')),
      embedded: config.engines.embedded,
      viaToken: 'command-line',
      pull: pullLimits(config.models),
      ledger,
      clock: systemClock,
      reader,
      onChange: async () => undefined,
    });
    try {
      return await use(store);
    } finally {
      await store.close();
      await reader.close();
    }
  });
}

/** The models of the running server. What it answers is our own program's. */
function overSocket(dataDir: string): Models {
  const ask = async (call: ControlCall): Promise<unknown> => {
    const reply = await control(dataDir, call);
    if (reply.server === 'running') return reply.value;
    throw new CliFailure('The server has gone. What was received is kept; do it again.');
  };
  const at = (name: string) => `/models/${encodeURIComponent(name)}`;
  return {
    list: async () => (await ask({ method: 'GET', path: '/models' })) as ModelList,
    receive: async ({ name, at: from, of, bytes, sha256 }) => {
      const query = `?at=${from}&of=${of}${sha256 === undefined ? '' : `&sha256=${sha256}`}`;
      return (await ask({ method: 'POST', path: at(name) + query, bytes })) as ModelWork;
    },
    pull: async (body) => (await ask({ method: 'POST', path: '/models', body })) as ModelWork,
    verify: async (name) =>
      (await ask({ method: 'POST', path: `${at(name)}/verify`, body: {} })) as ModelWork,
    remove: async (name) => {
      await ask({ method: 'DELETE', path: at(name) });
    },
    choose: async (name) => {
      await ask({ method: 'POST', path: `${at(name)}/default`, body: {} });
    },
  };
}
