import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { completion, eventually, ledgerEvents, startAppliance } from '../chat/support.js';
import { cli } from '../http/cli.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';

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

test('while what assistantia says of its answers is false, no model is asked: navigator answers, and what is administered goes on', async () => {
  const upstream = await ScriptedUpstream.start({ models: ['quill'] });
  upstream.always({ kind: 'ok', pieces: ['Hello.'] });
  const appliance = await startAppliance({
    ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${lying},helloria`,
    ARKALIA_REFLEXIA_INTERVAL_MS: '500',
    ARKALIA_ENGINES_OPENAI_URL: upstream.url,
    LYING_OF: 'answers',
  });
  const ask = () => appliance.post('/chat', { message: 'How are you?' });
  const engineOf = async (response: Response) => ((await response.json()) as { engine?: string }).engine;
  try {
    expect(await engineOf(await ask())).toBe('openai');
    const { assistantia } = await eventually(async () => {
      const modules = (await appliance.json('/status')).modules as Record<string, object>;
      return JSON.stringify(modules.assistantia).includes('quarantine') ? modules : undefined;
    });
    expect(assistantia).toMatchObject({
      state: 'degraded',
      problem: expect.stringContaining('another_event'),
    });
    const asked = upstream.requests.length;
    expect(await engineOf(await ask())).toBe('navigator');
    const refused = await appliance.post(
      '/v1/chat/completions',
      completion('How are you?', { model: 'quill' }),
    );
    expect([refused.status, Number(refused.headers.get('retry-after'))]).toEqual([503, 60]);
    expect(await refused.json()).toMatchObject({ error: { code: 'degraded' } });
    const vectors = await appliance.post('/v1/embeddings', { model: 'quill', input: 'x' });
    expect(vectors.status).toBe(503);
    expect(upstream.requests.length).toBe(asked);
    for (const path of ['/health', '/ready', '/v1/models', '/ledger/events?limit=1'])
      expect((await fetch(appliance.url + path)).status).toBe(200);
    const [recorded] = await ledgerEvents(appliance, 'type=module_quarantined');
    expect(recorded!.data).toMatchObject({ module: 'assistantia', check: 'ledger_holds_answer' });
  } finally {
    await appliance.close();
    await upstream.close();
  }
});
