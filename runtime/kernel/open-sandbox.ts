import { join } from 'node:path';
import type { Logger } from 'pino';
import { createPromptRunner } from '../../sandbox/index.js';
import type { Config } from '../config/schema.js';
import type { Admission } from '../contracts/admission.js';
import type { Bus } from '../contracts/bus.js';
import type { Clock } from '../contracts/clock.js';
import type { Degradation } from '../contracts/device.js';
import type { Ledger } from '../contracts/ledger.js';
import { pullLimits } from '../models/download.js';
import { Manifest } from '../models/manifest.js';
import { ModelStore } from '../models/store.js';
import { EscapeWatch } from './escape-watch.js';
import { modelMemory } from './model-memory.js';
import type { RecordLater } from './open-record.js';
import type { Undo } from './undo.js';
import type { createWatchdog } from './watchdog.js';

interface OpenSandboxOptions {
  config: Config;
  /** The data folder. */
  folder: string;
  log: Logger;
  clock: Clock;
  version: string;
  viaToken: string;
  bus: Bus;
  ledger: Ledger;
  record: RecordLater;
  watchdog: Pick<ReturnType<typeof createWatchdog>, 'child'>;
  degradation: Pick<Degradation, 'limits'>;
  admission: Pick<Admission, 'tellSlots'>;
  undo: Undo;
}

/** Where prompts are processed, the model files for it, and who tries to get out of it. */
export interface OpenSandbox {
  prompts: ReturnType<typeof createPromptRunner>;
  models: ModelStore;
  escapeWatch: EscapeWatch;
}

/** Starts the sandbox and looks for engines. */
export async function openSandbox(options: OpenSandboxOptions): Promise<OpenSandbox> {
  const { config, folder, log, clock, version, viaToken, bus, ledger, record, undo } = options;
  const { watchdog, degradation, admission } = options;
  const manifest = await Manifest.read(join(folder, 'models.json'));
  const prompts = createPromptRunner({
    models: manifest.pins(config.models_dir),
    sandbox: config.sandbox,
    engines: config.engines,
    models_dir: config.models_dir,
    viaToken,
    monotonicMs: () => clock.monotonicMs(),
    onEngines: (views) => {
      for (const { name, slots } of views) admission.tellSlots(name, slots);
    },
    watch: (pid) => watchdog.child(pid),
    onIncident: (incident) => log.warn({ incident }, 'a sandboxed process was stopped'),
  });
  undo.add('sandbox', () => prompts.close());
  const unloadModel = modelMemory({
    ...{ bus, prompts, log },
    modelsMay: () => degradation.limits().models,
    ramMax: config.engines.embedded.unload_ram,
  });
  await prompts.start();
  const models = new ModelStore({
    folder: config.models_dir,
    manifest,
    embedded: config.engines.embedded,
    viaToken,
    pull: pullLimits(config.models),
    ledger,
    clock,
    reader: prompts,
    onChange: async (isUsedChanged) => {
      if (isUsedChanged) unloadModel();
      await prompts.refreshEngines();
    },
  });
  undo.add('models', () => models.close());
  const escapeWatch = new EscapeWatch({
    file: join(folder, 'escape-probe.json'),
    version,
    enabled: config.sandbox.probe,
    sandbox: () => prompts.status(),
    probe: (signal) =>
      prompts.probeEscape({ ledger: join(folder, 'ledger.sqlite'), keys: join(folder, 'keys.json') }, signal),
    wallMs: () => clock.wallMs(),
    record: (event) => record(event),
    log,
  });
  undo.add('escape probe', () => escapeWatch.close());
  return { prompts, models, escapeWatch };
}
