import type { TestAppliance } from '../../../support/appliance.js';
import type { FaultKind } from '../kind.js';
import { breakIt, chats, decides, incidentAbout, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

export const poolWorkerKilled: FaultKind = {
  name: 'pool worker killed',
  about: 'The only pool thread is ended while decisions go through it; restored when a decision is durable',
  open: async () => {
    const appliance = await startBreakable({ ARKALIA_CORE_OFFLOAD: 'always' });
    return {
      async round() {
        const asked = Array.from({ length: 20 }, () => decides(appliance));
        await breakIt(appliance, 'pool_thread');
        const faultMs = performance.now();
        const outcome = await untilRestored({ faultMs }, () => decides(appliance));
        if ((await Promise.all(asked)).includes(false)) throw new Error('a decision was lost');
        return outcome;
      },
      close: () => appliance.close(),
    };
  },
};

interface Recorded {
  index: number;
  leaf_hash: string;
}

async function decide(appliance: TestAppliance): Promise<Recorded | undefined> {
  const answer = await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal' });
  const { receipt } = (await answer.json()) as { receipt?: Recorded };
  return answer.status === 200 ? receipt : undefined;
}

export const ledgerWriterKilled: FaultKind = {
  name: 'ledger writer killed',
  about:
    'The writer thread is ended while decisions are recorded; restored when a decision is durable and a prompt answered. At the end all that was acknowledged must be there',
  open: async () => {
    const appliance = await startBreakable();
    const acknowledged: Recorded[] = [];
    return {
      async round(random) {
        const asked = Array.from({ length: 20 + Math.floor(random() * 100) }, () => decide(appliance));
        await breakIt(appliance, 'ledger_writer');
        const faultMs = performance.now();
        const outcome = await untilRestored(
          { faultMs },
          async () => (await decides(appliance)) && (await chats(appliance)),
          () => incidentAbout(appliance, 'ledger'),
        );
        for (const receipt of await Promise.all(asked)) if (receipt !== undefined) acknowledged.push(receipt);
        return outcome;
      },
      async verify() {
        for (const { index, leaf_hash } of acknowledged) {
          const { events } = (await appliance.json(`/ledger/events?since=${index}&limit=1`)) as {
            events: Recorded[];
          };
          if (events[0]?.leaf_hash !== leaf_hash)
            throw new Error(`event ${index} was acknowledged and is gone`);
        }
      },
      close: () => appliance.close(),
    };
  },
};
