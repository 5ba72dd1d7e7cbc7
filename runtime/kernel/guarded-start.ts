import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import {
  type ConfigurationVersions,
  noVersions,
  readVersions,
  reasonAgainst,
  versionOf,
  versionsFile,
  withRejected,
} from '../config/versions.js';
import { systemClock } from '../contracts/clock.js';
import type { RolledBack } from '../contracts/configuration.js';
import { DataFolderError } from '../data-folder/data-folder-error.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { keepWeights, withKeptWeights } from '../guard/kept-weights.js';
import { type Appliance, type StartOptions, start } from './start.js';

export interface GuardedAppliance extends Appliance {
  /** Resolves when a configuration on probation has made health worse; the next start goes back to the one before. */
  harmed: Promise<Error>;
}

/**
 * Starts with the configuration that was given, or with the last good one where that one is known to be harmful or does not start. A
 * changed one is on probation: an incident that was not there before, or an end of the process, undoes it at the next start.
 */
export async function startGuarded(options: StartOptions): Promise<GuardedAppliance> {
  const { config, log, restarted } = options;
  const never = new Promise<Error>(() => undefined);
  if (!config.recovery.rollback || options.rolledBack !== undefined)
    return { ...(await start(options)), harmed: never };
  const book = new Book(config.data_dir, log);
  const version = versionOf(config);
  const { good } = book.versions;
  if (good === null || good.version === version) {
    const appliance = await start(options);
    if (good === null) await book.keep(config);
    await book.keepWeights(config);
    return { ...appliance, harmed: never };
  }
  const against = reasonAgainst(book.versions, version, restarted?.cause);
  if (against === undefined) {
    try {
      const appliance = await start({ ...options, changedFrom: { version, before: good.version } });
      return await onProbation(appliance, book, config, log);
    } catch (error) {
      if (isOthersDoing(error)) throw error;
      const why = `it does not start: ${error instanceof Error ? error.message : String(error)}`;
      log.error({ err: error, version, back_to: good.version }, 'the changed configuration does not start');
      const back = await goBack(options, good, { version, backTo: good.version, why });
      // Where the last good one does not start either, the change is not to blame.
      if (back === undefined) throw error;
      await book.reject(version, why, { never_started: true });
      return { ...back, harmed: never };
    }
  }
  const back = await goBack(options, good, { version, backTo: good.version, why: against });
  if (back === undefined)
    throw new Error(`neither the given configuration (${against}) nor the last good one can be started with`);
  await book.reject(version, against);
  return { ...back, harmed: never };
}

async function goBack(
  options: StartOptions,
  { config }: NonNullable<ConfigurationVersions['good']>,
  rolledBack: RolledBack,
): Promise<Appliance | undefined> {
  const { data_dir } = options.config;
  const guard = withKeptWeights(data_dir, config.guard);
  try {
    return await start({ ...options, config: { ...config, data_dir, guard }, rolledBack });
  } catch (error) {
    if (isOthersDoing(error)) throw error;
    options.log.error({ err: error, version: rolledBack.backTo }, 'the last good one does not start either');
    return undefined;
  }
}

/** Whether another process has what we need: the data folder, which no configuration of this book changes, or the port. */
function isOthersDoing(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof DataFolderError || (at as NodeJS.ErrnoException).code === 'EADDRINUSE') return true;
  }
  return false;
}

async function onProbation(
  appliance: Appliance,
  book: Book,
  config: Config,
  log: Logger,
): Promise<GuardedAppliance> {
  const version = versionOf(config);
  const before = new Set(openIncidents(appliance));
  await book.begin(version);
  await book.keepWeights(config);
  let tell: (error: Error) => void = () => undefined;
  const harmed = new Promise<Error>((resolve) => {
    tell = resolve;
  });
  const { look_ms, probation_ms } = config.recovery;
  const endMs = systemClock.monotonicMs() + probation_ms;
  const end = () => clearInterval(looking);
  const look = async () => {
    const worse = openIncidents(appliance).find((id) => !before.has(id));
    if (worse === undefined && systemClock.monotonicMs() < endMs) return;
    end();
    if (worse === undefined) {
      await book.keep(config);
      log.info({ version }, 'the changed configuration has been through its probation');
      return;
    }
    const why = `the incident ${worse} was opened during its probation`;
    await book.reject(version, why);
    log.fatal(
      { version, incident: worse },
      'the changed configuration made health worse; it is undone at the next start',
    );
    tell(new Error(`the configuration ${version} is undone: ${why}`));
  };
  const looking = setInterval(() => {
    look().catch((error: unknown) => log.error({ err: error }, 'the probation could not be looked at'));
  }, look_ms);
  looking.unref();
  return {
    ...appliance,
    harmed,
    close: async (reason) => {
      end();
      await book.endInGoodOrder(version);
      return appliance.close(reason);
    },
  };
}

/** Those that go on. */
const openIncidents = (appliance: Appliance) =>
  appliance
    .status()
    .incidents.filter(({ cleared_ms }) => cleared_ms === null)
    .map(({ id }) => id);

/** What the data folder knows, written only while we hold it. */
class Book {
  versions: ConfigurationVersions;
  readonly #dataDir: string;
  readonly #log: Logger;

  constructor(dataDir: string, log: Logger) {
    this.#dataDir = dataDir;
    this.#log = log;
    this.versions = noVersions;
    try {
      this.versions = readVersions(dataDir);
    } catch (error) {
      log.error({ err: error }, 'earlier configurations cannot be read, so none can be gone back to');
    }
  }

  keep(config: Config): Promise<void> {
    const good = { version: versionOf(config), since_ms: systemClock.wallMs(), config };
    return this.#save({ ...this.versions, good, trial: null });
  }

  /** Of the configuration in force, beside those of the last good one. */
  async keepWeights({ guard }: Config): Promise<void> {
    try {
      await keepWeights(this.#dataDir, guard, this.versions.good?.config.guard.weights_sha256);
    } catch (error) {
      this.#log.error({ err: error }, "the guard's weights could not be kept, so none can be gone back to");
    }
  }

  begin(version: string): Promise<void> {
    const { trial } = this.versions;
    const unclean = trial?.version === version ? trial.unclean + 1 : 1;
    return this.#save({ ...this.versions, trial: { version, unclean } });
  }

  async endInGoodOrder(version: string): Promise<void> {
    const { trial } = this.versions;
    if (trial?.version === version)
      await this.#save({ ...this.versions, trial: { version, unclean: trial.unclean - 1 } });
  }

  reject(version: string, why: string, more: { never_started?: true } = {}): Promise<void> {
    return this.#save(withRejected(this.versions, { version, why, at_ms: systemClock.wallMs(), ...more }));
  }

  async #save(versions: ConfigurationVersions): Promise<void> {
    this.versions = versions;
    try {
      await writeFileAtomic(versionsFile(this.#dataDir), `${JSON.stringify(versions, null, 1)}\n`);
    } catch (error) {
      this.#log.error({ err: error }, 'the configurations could not be kept');
    }
  }
}
