import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTilePath } from './tile-path.js';

/** The other way round, as the specification says it. */
function format(number: number, width: number): string {
  const digits = String(number);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  const groups = padded.match(/\d{3}/g)!;
  const path = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/');
  return width === 256 ? path : `${path}.p/${width}`;
}

describe('parseTilePath', () => {
  it('reads the example of C2SP tlog-tiles', () => {
    expect(parseTilePath('x001/x234/067')).toEqual({ number: 1_234_067, width: 256 });
    expect(parseTilePath('x001/x234/067.p/7')).toEqual({ number: 1_234_067, width: 7 });
    expect(parseTilePath('000')).toEqual({ number: 0, width: 256 });
    expect(parseTilePath('273.p/112')).toEqual({ number: 273, width: 112 });
  });

  it('reads back every number and width', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat({ max: 3000 }), fc.nat({ max: 999_999_999 })),
        fc.integer({ min: 1, max: 256 }),
        (number, width) => {
          expect(parseTilePath(format(number, width))).toEqual({ number, width });
        },
      ),
    );
  });

  it.each([
    '',
    '0',
    '00',
    '0000',
    'x000',
    'x000/001',
    'x001',
    '001/002',
    'x01/002',
    'x001/x002',
    '/001',
    '001/',
    '001.p',
    '001.p/',
    '001.p/0',
    '001.p/01',
    '001.p/256',
    '001.p/1000',
    '001.p/1/2',
    '001.p/-1',
    '-01',
    ' 001',
    '001\n',
    '١٢٣',
    'x001/x000/x000/x000/x000/000',
  ])('refuses %j', (path) => {
    expect(parseTilePath(path)).toBeNull();
  });
});
