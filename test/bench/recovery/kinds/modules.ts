import type { TestAppliance } from '../../../support/appliance.js';
import type { FaultKind, Outcome } from '../kind.js';
import { breakIt, incidentAbout, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

type Health = { modules: { faults: { state: string } }; recovering: unknown[] };

const isWell = async (appliance: TestAppliance) => {
  const { modules } = (await appliance.json('/status')) as unknown as Health;
  return modules.faults.state === 'ok';
};

/** One server each round: after three restarts within an hour a module is left to a person. */
function moduleKind(
  about: Pick<FaultKind, 'name' | 'about'>,
  env: (random: () => number) => Record<string, string>,
  hurt: (appliance: TestAppliance) => Promise<void>,
): FaultKind {
  return {
    ...about,
    open: async () => ({
      async round(random): Promise<Outcome> {
        const appliance = await startBreakable(env(random));
        try {
          await hurt(appliance);
          const faultMs = performance.now();
          const outcome = await untilRestored(
            { faultMs },
            () => isWell(appliance),
            () => incidentAbout(appliance, 'faults'),
          );
          const recorded = async (type: string) =>
            ((await appliance.json(`/ledger/events?type=${type}&limit=1`)).events as unknown[]).length > 0;
          await until(
            () => recorded(outcome.incident === undefined ? 'recovery_succeeded' : 'incident_opened'),
            'the record of it',
          );
          return outcome;
        } finally {
          await appliance.close();
        }
      },
      close: async () => {},
    }),
  };
}

export const moduleThrowsInStart = moduleKind(
  {
    name: 'module throws in start',
    about:
      'Once or for ever, by the seed; from when the server serves; restored when the module is well, an incident where it never starts',
  },
  (random) => ({ FAULTS_START_THROWS: random() < 0.7 ? '1' : '1000' }),
  async () => {},
);

export const moduleThrowsInStop = moduleKind(
  {
    name: 'module throws in stop',
    about: 'While it is restarted for a handler that threw; restored as above',
  },
  () => ({}),
  (appliance) => breakIt(appliance, 'stop'),
);

export const moduleThrowsInHandler = moduleKind(
  { name: 'module throws in a handler', about: 'Once, at an event of the bus; restored as above' },
  () => ({}),
  (appliance) => breakIt(appliance, 'handler'),
);
