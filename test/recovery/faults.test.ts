import { expect, test } from 'vitest';
import { faultKinds } from '../bench/recovery/kinds/all.js';
import { runKind } from '../bench/recovery/run-kind.js';

/** One round of each kind of npm run bench:recovery; ten of each, timed, are the bench's. */
test.each(faultKinds.map((kind) => ({ name: kind.name, kind })))(
  '$name: recovered, or left to a person',
  async ({ kind }) => {
    const row = await runKind(kind, { rounds: 1, seed: 1, onRound: () => {} });
    if (row.missing !== null) {
      console.warn(`NOT TESTED: ${kind.name}, because it ${row.missing}`);
      return;
    }
    expect(row.failures).toEqual([]);
    expect(row.recovered + row.escalated).toBe(1);
  },
  180_000,
);

test('a round that neither recovers nor escalates is a failure', async () => {
  const row = await runKind(
    {
      name: 'lost',
      about: '',
      open: async () => ({
        round: async () => {
          throw new Error('it stays down');
        },
        close: async () => {},
      }),
    },
    { rounds: 2, seed: 5, onRound: () => {} },
  );
  expect(row).toMatchObject({ rounds: 2, recovered: 0, escalated: 0 });
  expect(row.failures).toEqual([
    'lost, round 1, seed 5: it stays down',
    'lost, round 2, seed 6: it stays down',
  ]);
});

test('what cannot be done here is said, not passed over', async () => {
  const open = () => Promise.reject(new Error('must not be opened'));
  const kind = { name: 'far', about: '', missing: () => 'needs a moon', open };
  const row = await runKind(kind, { rounds: 3, seed: 1, onRound: () => {} });
  expect(row).toMatchObject({ missing: 'needs a moon', rounds: 0, failures: [] });
});
