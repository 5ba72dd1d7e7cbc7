import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatAddCheckpoint, parseAddCheckpoint } from './request.js';

/** The example of C2SP tlog-witness. */
const published = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
`;

it('reads the published example, and writes it as it is', () => {
  const parsed = parseAddCheckpoint(published);
  expect(parsed).toMatchObject({ oldSize: 20_852_014, proof: { length: 4 } });
  expect(parsed.note.startsWith('example.com/behind-the-sofa\n20852163\n')).toBe(true);
  expect(formatAddCheckpoint(parsed)).toBe(published);
});

it('reads what it wrote', () => {
  fc.assert(
    fc.property(
      fc.maxSafeNat(),
      fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 }),
      fc.string(),
      (oldSize, proof, note) => {
        const parsed = parseAddCheckpoint(formatAddCheckpoint({ oldSize, proof, note }));
        expect({ ...parsed, proof: parsed.proof.map((hash) => [...hash]) }).toEqual({
          oldSize,
          proof: proof.map((hash) => [...hash]),
          note,
        });
      },
    ),
  );
});

const hash = Buffer.alloc(32).toString('base64');
it.each([
  ['nothing', ''],
  ['no blank line', `old 1\n${hash}\nlog\n`],
  ['no old size', `${hash}\n\nlog\n`],
  ['a leading zero', `old 01\n\nlog\n`],
  ['two spaces', `old  1\n\nlog\n`],
  ['a negative size', `old -1\n\nlog\n`],
  ['a size beyond 2^53', `old 9007199254740993\n\nlog\n`],
  ['a carriage return', `old 1\r\n\r\n\n\nlog\n`],
  ['a hash too short', `old 1\n${Buffer.alloc(31).toString('base64')}\n\nlog\n`],
  ['a hash that is no base64', `old 1\n${hash.replace('=', '!')}\n\nlog\n`],
  ['64 hashes', `old 1\n${`${hash}\n`.repeat(64)}\nlog\n`],
])('refuses %s', (_, text) => {
  expect(() => parseAddCheckpoint(text)).toThrow(expect.objectContaining({ code: 'request_malformed' }));
});
