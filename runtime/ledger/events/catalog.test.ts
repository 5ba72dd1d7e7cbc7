import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { builtInEvents, type EventDefinition } from '../../contracts/event-types.js';
import { CanonicalJson, type JsonObject } from '../../contracts/json.js';
import type { NewEvent } from '../../contracts/ledger.js';
import { EventCatalog } from './catalog.js';

const rain = (more: Partial<EventDefinition> = {}): EventDefinition => ({
  type: 'weather.rain_seen',
  version: 1,
  about: 'It rained.',
  data: z.strictObject({ mm: z.number() }),
  ...more,
});
const event = (type: string, data: JsonObject | CanonicalJson): NewEvent => ({
  type: type as NewEvent['type'],
  module: 'weather',
  data,
});

function catalogWith(...definitions: EventDefinition[]): EventCatalog {
  const catalog = new EventCatalog();
  catalog.register('weather', definitions);
  return catalog;
}

describe('check', () => {
  it('refuses a type that nobody registered', () => {
    for (const type of ['made_up', '', '.', 'weather.rain_seen', 'a."b', '__proto__', 'constructor']) {
      expect(() => new EventCatalog().check(event(type, {})), type).toThrow(/is not registered/);
    }
  });

  it('gives the version of the data, and names what does not fit', () => {
    const catalog = catalogWith(rain({ version: 2, upcasts: [(data) => data] }));
    expect(catalog.check(event('weather.rain_seen', { mm: 1 }))).toBe(2);
    expect(() => catalog.check(event('weather.rain_seen', { mm: 'much', who: 'Ágnes' }))).toThrow(
      /^the data of weather.rain_seen does not fit its schema: mm: .*; data: .*who/,
    );
  });

  it('checks data that is canonical text too, unless tests hold it to the schema', () => {
    const wrong = new CanonicalJson('{"mm":"much"}');
    expect(() => catalogWith(rain()).check(event('weather.rain_seen', wrong))).toThrow(/mm/);
    expect(catalogWith(rain({ checked: 'tests' })).check(event('weather.rain_seen', wrong))).toBe(1);
  });

  it('lets no built-in type hold what was not declared', () => {
    for (const { type, data } of builtInEvents) {
      const issues = data.safeParse({ typed: 'a sentence of a person' }).error?.issues ?? [];
      const named = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
      expect([type, named]).toEqual([type, ['typed']]);
    }
  });
});

describe('register', () => {
  it.each([
    'rain',
    'weather',
    'weather.',
    'weather.Rain',
    'other.rain',
    'weatherx.rain',
    'weather..rain',
    `weather.${'a'.repeat(128)}`,
  ])('refuses %s as a type of the module weather', (type) => {
    expect(() => catalogWith(rain({ type }))).toThrow(/the module weather records types/);
  });

  it('takes the dots of a module name as they are', () => {
    const catalog = new EventCatalog();
    expect(() => catalog.register('a.b', [rain({ type: 'axb.c' })])).toThrow(RangeError);
    catalog.register('a.b', [rain({ type: 'a.b.c' })]);
    expect(catalog.check(event('a.b.c', { mm: 1 }))).toBe(1);
  });

  it('refuses a type twice, also of another time, and registers nothing of such a list', () => {
    const catalog = catalogWith(rain());
    expect(() => catalog.register('weather', [rain({ type: 'weather.sun' }), rain()])).toThrow(/twice/);
    expect(() => catalog.check(event('weather.sun', { mm: 1 }))).toThrow(/not registered/);
  });

  it.each<[string, Partial<EventDefinition>]>([
    ['version 0', { version: 0 }],
    ['half a version', { version: 1.5 }],
    ['a version without its upcasts', { version: 3, upcasts: [(data) => data] }],
    ['more upcasts than versions', { upcasts: [(data) => data] }],
  ])('refuses %s', (_, more) => {
    expect(() => catalogWith(rain(more))).toThrow(/weather.rain_seen/);
  });
});

describe('upcast', () => {
  const catalog = catalogWith(
    rain({
      version: 3,
      data: z.strictObject({ mm: z.number(), hours: z.number() }),
      upcasts: [({ inches }) => ({ mm: Number(inches) * 25.4 }), ({ mm }) => ({ mm: mm!, hours: 1 })],
    }),
  );

  it('brings data of each earlier version to the current one, which fits the schema', () => {
    const current = { mm: 50.8, hours: 1 };
    expect(catalog.upcast('weather.rain_seen', 1, { inches: 2 })).toEqual(current);
    expect(catalog.upcast('weather.rain_seen', 2, { mm: 50.8 })).toEqual(current);
    expect(catalog.upcast('weather.rain_seen', 3, current)).toBe(current);
    expect(catalog.check(event('weather.rain_seen', current))).toBe(3);
  });

  it('leaves what a newer program or an unknown module wrote as it is', () => {
    const data = { anything: true };
    expect(catalog.upcast('weather.rain_seen', 4, data)).toBe(data);
    expect(catalog.upcast('weather.snow_seen', 1, data)).toBe(data);
  });
});
