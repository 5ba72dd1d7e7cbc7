import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decisions } from '../../contracts/decision.js';
import { levels } from '../../contracts/device.js';
import { type Column, markNames } from './columns.js';
import { chartChars, draw } from './draw.js';

const at = Date.UTC(2026, 2, 1, 12);
const column = (i: number, more: Partial<Column> = {}): Column => ({
  at_ms: at + i * 1_200_000,
  level: 'normal',
  decision: 'normal',
  temperature_c: 50,
  cpu: 0,
  marks: [],
  ...more,
});

test('draws a row for each thing, times below, and what the signs mean', () => {
  const columns = [
    column(0, { marks: ['started'] }),
    column(1, { level: 'light', decision: 'monitor', temperature_c: 60, cpu: 50 }),
    column(2, { level: 'survival', decision: 'emergency_shutdown', temperature_c: 70, cpu: 100 }),
    column(3, {
      level: null,
      decision: null,
      temperature_c: null,
      cpu: null,
      marks: ['incident', 'stopped'],
    }),
  ];
  expect(draw(columns, { chars: 12, colours: false })).toEqual([
    'level        ▁▁▁▂▂▂███     worst survival',
    'decision     ···mmmEEE     emergency_shutdown',
    'temperature  ▁▁▁▅▅▅███     50 to 70 °C',
    'load         ▁▁▁▅▅▅███     0 to 100 %',
    'events       SSS      III',
    '             12:00',
    '',
    'decision: · normal, m monitor, r reduce_load, E emergency_shutdown',
    'events: S started, x stopped, F forecast, C contradiction, I incident',
  ]);
});

test('a device that tells nothing is drawn as one', () => {
  const empty = column(0, { level: null, decision: null, temperature_c: null, cpu: null });
  expect(draw([empty], { chars: 12, colours: true }).slice(0, 4)).toEqual([
    'level                      not recorded',
    'decision                   none',
    'temperature                not told',
    'load                       not told',
  ]);
});

test('colours are drawn where they are asked for, and change no width', () => {
  const columns = [column(0), column(1, { level: 'heavy', decision: 'reduce_load' })];
  const coloured = draw(columns, { chars: 12, colours: true });
  expect(coloured[0]).toContain('\u001b[31m');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  expect(coloured.map((line) => line.replace(/\u001b\[\d+m/g, ''))).toEqual(
    draw(columns, { chars: 12, colours: false }),
  );
});

test('no chart is wider than the terminal, however many columns there are', () => {
  const any = fc.record({
    level: fc.constantFrom(null, ...levels),
    decision: fc.constantFrom(null, ...decisions),
    temperature_c: fc.option(fc.double({ min: -60, max: 150, noNaN: true })),
    cpu: fc.option(fc.double({ min: 0, max: 100, noNaN: true })),
    marks: fc.subarray([...markNames]),
  });
  fc.assert(
    fc.property(
      fc.integer({ min: 50, max: 200 }),
      fc.integer({ min: 1, max: 100 }),
      any,
      (width, share, one) => {
        const chars = chartChars(width);
        const count = Math.max(1, Math.floor((chars * share) / 100));
        const lines = draw(
          Array.from({ length: count }, (_, i) => column(i, one)),
          { chars, colours: false },
        );
        for (const line of lines.slice(0, 6)) expect([...line].length).toBeLessThanOrEqual(width);
        expect(lines.slice(0, 5).join('')).not.toMatch(/undefined|NaN|Infinity/);
      },
    ),
  );
});
