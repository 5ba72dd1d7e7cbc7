import { builtInEvents, type EventDefinition } from '../../contracts/event-types.js';
import { CanonicalJson, type JsonObject } from '../../contracts/json.js';
import type { NewEvent } from '../../contracts/ledger.js';

const typeLengthMax = 128;
const versionMax = 1000;
/** Faults of one event that are named. */
const faultsNamed = 3;

/** The types of events that this process records, and how their data was and is. */
export class EventCatalog {
  readonly #definitions = new Map<string, EventDefinition>();

  constructor() {
    for (const definition of builtInEvents) this.#add(definition);
  }

  /**
   * Adds the types of a module: each is `<module>.<type>`.
   * @throws RangeError that names the type and what is wrong with its definition; none of the list is then registered.
   */
  register(module: string, definitions: readonly EventDefinition[]): void {
    const own = new RegExp(`^${escaped(module)}(\\.[a-z][a-z0-9_-]*)+$`);
    for (const { type } of definitions) {
      if (typeof type !== 'string' || type.length > typeLengthMax || !own.test(type)) {
        throw new RangeError(
          `the module ${module} records types ${module}.<type> in lower case with at most ${typeLengthMax} characters, not ${String(type).slice(0, typeLengthMax)}`,
        );
      }
      if (this.#definitions.has(type)) throw new RangeError(`the event type ${type} is registered twice`);
    }
    for (const definition of definitions) this.#add(definition);
  }

  /**
   * Checks an event that is about to be recorded; returns the version of its data.
   * @throws RangeError for a type that nobody registered; TypeError that names what does not fit the schema of the type.
   */
  check(event: NewEvent): number {
    const definition = this.#definitions.get(event.type);
    if (definition === undefined) {
      throw new RangeError(
        `event type ${JSON.stringify(event.type)} is not registered; a module registers its own, <module>.<type>, with events()`,
      );
    }
    if (definition.checked === 'tests') return definition.version;
    const data =
      event.data instanceof CanonicalJson ? (JSON.parse(event.data.text) as JsonObject) : event.data;
    const { error } = definition.data.safeParse(data);
    if (error === undefined) return definition.version;
    const faults = error.issues
      .slice(0, faultsNamed)
      .map(({ path, message }) => `${path.join('.') || 'data'}: ${message}`);
    throw new TypeError(`the data of ${event.type} does not fit its schema: ${faults.join('; ')}`);
  }

  /** Data of a recorded version in the shape of the current one. Of a type or a version that is not known here: as it was recorded. */
  upcast(type: string, version: number, data: JsonObject): JsonObject {
    const definition = this.#definitions.get(type);
    if (definition === undefined || version >= definition.version) return data;
    return (definition.upcasts ?? []).slice(version - 1).reduce((older, upcast) => upcast(older), data);
  }

  #add(definition: EventDefinition): void {
    const { type, version, upcasts = [] } = definition;
    if (!Number.isSafeInteger(version) || version < 1 || version > versionMax) {
      throw new RangeError(`the version of ${type} is an integer from 1 to ${versionMax}, not ${version}`);
    }
    if (upcasts.length !== version - 1) {
      throw new RangeError(
        `${type} has version ${version}, so it needs ${version - 1} upcasts, one from each earlier version, not ${upcasts.length}`,
      );
    }
    this.#definitions.set(type, definition);
  }
}

/** A name as a pattern that matches just it. */
function escaped(name: string): string {
  return name.replace(/[^a-z0-9_-]/gi, '\\$&');
}
