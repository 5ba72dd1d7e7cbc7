import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../contracts/clock.js';
import { type Incident, type Incidents, incidentSchema } from '../contracts/incident.js';

/** Closed ones beyond it are forgotten first; open ones beyond it are not opened. */
export const incidentsMax = 200;

/** In older files nobody has taken one on. */
const shape = z.array(
  incidentSchema.extend({
    acknowledged_ms: incidentSchema.shape.acknowledged_ms.default(null),
    acknowledged_by: incidentSchema.shape.acknowledged_by.default(null),
  }),
);

/** Where the incidents are kept, so that a restart forgets none. */
export interface IncidentStorage {
  /** undefined: there are none yet. */
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}

/** A JSON file in the data folder. */
export function incidentFile(path: string, writeAtomic: IncidentStorageWrite): IncidentStorage {
  return {
    async read() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: (text) => writeAtomic(path, text),
  };
}

type IncidentStorageWrite = (path: string, text: string) => Promise<void>;

export type IncidentChange = 'opened' | 'acknowledged' | 'closed';

export interface IncidentBookOptions {
  storage: IncidentStorage;
  clock: Clock;
  random: () => number;
  /** Told of a file that could not be read or written; what is known goes on in memory. */
  onError(error: unknown): void;
  /** Told when one was opened, taken on or closed. */
  onChange(change: IncidentChange, incident: Incident): void;
}

/** What could not be mended, kept until a person closes it. */
export class IncidentBook implements Incidents {
  readonly #options: IncidentBookOptions;
  #incidents: Incident[] = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(options: IncidentBookOptions) {
    this.#options = options;
  }

  /** A file that cannot be read is told and begun anew: a damaged list must not keep the appliance from starting. */
  static async open(options: IncidentBookOptions): Promise<IncidentBook> {
    const book = new IncidentBook(options);
    try {
      const text = await options.storage.read();
      if (text !== undefined) book.#incidents = shape.parse(JSON.parse(text)).slice(-incidentsMax);
    } catch (error) {
      options.onError(error);
    }
    return book;
  }

  all(): Incident[] {
    return this.#incidents.toReversed().map(copyOf);
  }

  open(): Incident[] {
    return this.#incidents
      .filter(({ closed_ms }) => closed_ms === null)
      .reverse()
      .map(copyOf);
  }

  /** Opens one, unless one about the same is open. */
  async add(about: Pick<Incident, 'check' | 'target' | 'class' | 'problem' | 'tried'>): Promise<void> {
    const same = this.#find(about.check, about.target);
    if (same !== undefined) {
      if (same.cleared_ms === null) return;
      same.cleared_ms = null;
      return this.#save();
    }
    if (this.#incidents.length >= incidentsMax) {
      const closed = this.#incidents.findIndex(({ closed_ms }) => closed_ms !== null);
      if (closed < 0)
        return this.#options.onError(new Error(`${incidentsMax} incidents are open; close some`));
      this.#incidents.splice(closed, 1);
    }
    const number = Math.floor(this.#options.random() * 2 ** 32);
    const incident: Incident = {
      id: `inc-${number.toString(16).padStart(8, '0')}`,
      ...about,
      opened_ms: this.#options.clock.wallMs(),
      cleared_ms: null,
      acknowledged_ms: null,
      acknowledged_by: null,
      closed_ms: null,
      closed_by: null,
    };
    this.#incidents.push(incident);
    this.#options.onChange('opened', copyOf(incident));
    await this.#save();
  }

  /** What it was about is not found any more; it stays open until a person has seen it. */
  async cleared(check: string, target: string): Promise<void> {
    const incident = this.#find(check, target);
    if (incident === undefined || incident.cleared_ms !== null) return;
    incident.cleared_ms = this.#options.clock.wallMs();
    await this.#save();
  }

  acknowledge(id: string, by: string): Promise<Incident | undefined> {
    return this.#change(id, 'acknowledged', (incident, nowMs) => {
      if (incident.closed_ms !== null || incident.acknowledged_ms !== null) return false;
      incident.acknowledged_ms = nowMs;
      incident.acknowledged_by = by;
      return true;
    });
  }

  close(id: string, by: string): Promise<Incident | undefined> {
    return this.#change(id, 'closed', (incident, nowMs) => {
      if (incident.closed_ms !== null) return false;
      incident.closed_ms = nowMs;
      incident.closed_by = by;
      return true;
    });
  }

  /** `apply` says whether it changed anything. */
  async #change(
    id: string,
    change: IncidentChange,
    apply: (incident: Incident, nowMs: number) => boolean,
  ): Promise<Incident | undefined> {
    const incident = this.#incidents.find((one) => one.id === id);
    if (incident === undefined) return undefined;
    if (apply(incident, this.#options.clock.wallMs())) {
      this.#options.onChange(change, copyOf(incident));
      await this.#save();
    }
    return copyOf(incident);
  }

  #find(check: string, target: string): Incident | undefined {
    return this.#incidents.find(
      (one) => one.check === check && one.target === target && one.closed_ms === null,
    );
  }

  /** One write after another; the last one holds everything. */
  #save(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#options.storage.write(`${JSON.stringify(this.#incidents, null, 1)}\n`);
      } catch (error) {
        this.#options.onError(error);
      }
    });
    return this.#writing;
  }
}

function copyOf(incident: Incident): Incident {
  return { ...incident, tried: [...incident.tried] };
}
