import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Clock } from '../contracts/clock.js';
import type { NewEvent } from '../contracts/ledger.js';
import type { EventCatalog } from '../ledger/events/catalog.js';
import { openLedger, type SqliteLedger } from '../ledger/ledger.js';
import type { LedgerChange, LedgerOptions } from '../ledger/ledger-options.js';
import { openWitness } from '../ledger/witness/witness.js';
import type { Undo } from './undo.js';

/** Writes an event that nobody waits for; closing the ledger flushes it. */
export type RecordLater = (event: NewEvent) => void;

interface OpenRecordOptions {
  config: Config;
  /** The data folder. */
  folder: string;
  log: Logger;
  clock: Clock;
  events: EventCatalog;
  /** Where the writer beats. */
  heart: LedgerOptions['heart'];
  viaToken: string;
  /** Told when the writer failed. */
  onFailure: () => void;
  undo: Undo;
}

/** What is recorded and who vouches for it: the ledger, its witness, and what a person should read about them at the start. */
export interface OpenRecord {
  ledger: SqliteLedger;
  witness: Awaited<ReturnType<typeof openWitness>>;
  record: RecordLater;
  notices: string[];
}

/** Opens the ledger in the data folder, and the witness over it. */
export async function openRecord(options: OpenRecordOptions): Promise<OpenRecord> {
  const { config, folder, log, clock, events, heart, viaToken, onFailure, undo } = options;
  const notices: string[] = [];
  const record: RecordLater = (event) => {
    ledger
      .append(event)
      .catch((error: unknown) =>
        log.error({ err: error, type: event.type }, 'an event could not be recorded'),
      );
  };
  const ledger = await openLedger({
    events,
    file: join(folder, 'ledger.sqlite'),
    bootId: randomBytes(8).toString('hex'),
    clock,
    queueMax: config.ledger.queue_max,
    batchMax: config.ledger.batch_max,
    setCorruptAside: true,
    heart,
    sizeLimitBytes: config.ledger.size_limit_bytes,
    ageMaxMs: config.ledger.age_max_days === 0 ? undefined : config.ledger.age_max_days * 86_400_000,
    isRestarted: true,
    onFailure: (error) => {
      log.fatal(
        { err: error },
        'the writer of the ledger failed; nothing is recorded until there is another',
      );
      onFailure();
    },
    onChange: (change) => {
      logLedgerChange(log, change);
      if (change.kind === 'recovered') record(outageEvent(change));
    },
    onNotice: (notice) => {
      log.error(notice);
      notices.push(notice);
    },
  });
  undo.add('ledger', () => ledger.close());
  const witness = await openWitness({
    config: config.ledger.witness,
    folder,
    ledger,
    clock,
    viaToken,
    onProblem: (message) => log.warn(message),
    onFork: (fork) => log.error(fork, 'a log has two histories: these two checkpoints prove it'),
  });
  undo.add('witness', () => witness.close());
  return { ledger, witness, record, notices };
}

function logLedgerChange(log: Logger, change: LedgerChange): void {
  const { kind, ...facts } = change;
  if (kind === 'recovered') log.warn(facts, 'the ledger records again');
  else log.error(facts, 'the ledger cannot record; what must be recorded is refused until it can');
}

/** The gap, for whoever reads the log. */
function outageEvent({ trouble, downMs, refused }: LedgerChange & { kind: 'recovered' }): NewEvent {
  return { type: 'ledger_recovered', module: 'kernel', data: { trouble, down_ms: downMs, refused } };
}
