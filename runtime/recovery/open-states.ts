import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../config/schema.js';
import type { Clock } from '../contracts/clock.js';
import type { Incidents } from '../contracts/incident.js';
import type { NewEvent } from '../contracts/ledger.js';
import { writeFileAtomic } from '../data-folder/write-file-atomic.js';
import { type IncidentStorage, incidentFile } from './incident-file.js';
import { StateBook } from './state-book.js';

export interface OpenStatesOptions {
  folder: string;
  config: Pick<Config['recovery'], 'rollback' | 'probation_ms'>;
  clock: Clock;
  log: Logger;
  incidents: Pick<Incidents, 'open'>;
  restarted: string | undefined;
  record: (event: NewEvent) => void;
  /** Unless given: a file in the folder. */
  storage?: IncidentStorage;
}

/** What the modules of this appliance have learned. */
export function openStates(options: OpenStatesOptions): Promise<StateBook> {
  const { folder, config, clock, log, incidents, restarted, record } = options;
  return StateBook.open({
    storage: options.storage ?? incidentFile(join(folder, 'states.json'), writeFileAtomic),
    clock,
    probationMs: config.rollback ? config.probation_ms : undefined,
    openIncidents: () =>
      incidents
        .open()
        .filter(({ cleared_ms }) => cleared_ms === null)
        .map(({ id }) => id),
    restarted,
    record: (event) => {
      log.error({ undone: event.data }, 'what a module had learned made health worse and was undone');
      record(event);
    },
    onError: (error) => log.error({ err: error }, 'what modules have learned could not be kept or read'),
  });
}
