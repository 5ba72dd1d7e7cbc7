import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { eventually, ledgerEvents, startAppliance } from '../chat/support.js';
import { cli } from '../http/cli.js';

// It starts a server and a command.
vi.setConfig({ testTimeout: 120_000 });

const lying = fileURLToPath(new URL('./lying-module.fixture.js', import.meta.url));

test('a module whose account is false is in quarantine: in /status, in the ledger and by the command', async () => {
  const appliance = await startAppliance({
    ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${lying},helloria`,
    ARKALIA_REFLEXIA_INTERVAL_MS: '500',
  });
  try {
    const modules = await eventually(async () => {
      const told = (await appliance.json('/status')).modules as Record<string, { facts?: object }>;
      return JSON.stringify(told.sandozia).includes('zeroia is in quarantine') ? told : undefined;
    });
    const held = { module: 'zeroia', check: 'confidence_coherence', fault: 'confidence_differs' };
    expect(modules).toMatchObject({
      sandozia: { state: 'degraded', facts: { quarantined: [{ ...held, duration_ms: 60_000, retries: 0 }] } },
      zeroia: { state: 'degraded', problem: expect.stringContaining('confidence_differs') },
    });
    const [recorded] = await eventually(async () => {
      const found = await ledgerEvents(appliance, 'type=module_quarantined');
      return found.length > 0 ? found : undefined;
    });
    expect(recorded!.data).toEqual({ ...held, duration_ms: 60_000 });
    const { stdout } = await cli(['incidents', '--data', appliance.dataDir], { cwd: appliance.dataDir });
    expect(stdout).toMatch(
      /zeroia is in quarantine since \S+Z for 60 s: confidence_coherence found confidence_differs/,
    );
    // It decides and records all the same.
    const answer = await appliance.post('/zeroia/decisions', { cpu: 1, ram: 1, severity: 'normal' });
    expect(answer.status).toBe(200);
  } finally {
    await appliance.close();
  }
});
