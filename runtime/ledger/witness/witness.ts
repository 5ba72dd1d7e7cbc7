import type { Config } from '../../config/schema.js';
import type { Clock } from '../../contracts/clock.js';
import { AppError } from '../../contracts/errors.js';
import type { Ledger } from '../../contracts/ledger.js';
import type { Witness, WitnessAnswer, WitnessStatus } from '../../contracts/witness.js';
import { parseVerifierKey } from '../tlog/note-key.js';
import { Asker } from './asker.js';
import { Buckets } from './buckets.js';
import { Giver, type GiverOptions } from './giver.js';
import { parseAsk } from './settings.js';
import { WitnessFile } from './witness-file.js';

/** Longest time that a witness may take to answer. */
const askMs = 10_000;

export interface WitnessOptions extends Pick<GiverOptions, 'onFork'> {
  config: Config['ledger']['witness'];
  /** The data folder, which this process owns. */
  folder: string;
  ledger: Pick<Ledger, 'log' | 'status'>;
  clock: Clock;
  viaToken: string;
  onProblem(message: string): void;
}

/**
 * Opens what the configuration asks for: nothing, unless it names logs or witnesses.
 * @throws LedgerFileError for a memory that cannot be used.
 */
export async function openWitness(options: WitnessOptions): Promise<OpenWitness> {
  const { config, folder, ledger, clock, viaToken, onProblem, onFork } = options;
  const logs = config.logs.map(parseVerifierKey);
  const [device = ''] = parseVerifierKey(ledger.log.verifierKey).name.split('/');
  const giver =
    logs.length === 0
      ? undefined
      : new Giver({
          file: await WitnessFile.open(folder, `${device}/witness`),
          logs,
          rate: new Buckets(config.requests_per_minute),
          clock,
          onFork,
        });
  const witnesses = config.ask.map(parseAsk);
  const asker =
    witnesses.length === 0
      ? undefined
      : await Asker.open({
          folder,
          witnesses,
          intervalMs: config.interval_ms,
          ledger,
          clock,
          viaToken,
          timeoutMs: askMs,
          onProblem,
        });
  asker?.start();
  return new OpenWitness(giver, asker);
}

class OpenWitness implements Witness {
  readonly #giver: Giver | undefined;
  readonly #asker: Asker | undefined;

  constructor(giver: Giver | undefined, asker: Asker | undefined) {
    this.#giver = giver;
    this.#asker = asker;
  }

  async addCheckpoint(request: string, client: string): Promise<WitnessAnswer> {
    if (this.#giver === undefined) {
      throw new AppError('not_found', 'This appliance is no witness: ledger.witness.logs names no log.');
    }
    return this.#giver.addCheckpoint(request, client);
  }

  cosigned(): string | undefined {
    return this.#asker?.cosigned();
  }

  status(): WitnessStatus {
    const none = { given: { cosigned: 0, conflict: 0, refused: 0 }, logs: [] };
    return { ...(this.#giver?.status() ?? none), asked: this.#asker?.status() ?? [] };
  }

  async close(): Promise<void> {
    await this.#asker?.close();
  }
}
