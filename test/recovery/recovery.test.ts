import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { eventually, ledgerEvents, startAppliance } from '../chat/support.js';
import type { TestAppliance } from '../support/appliance.js';
import { ScriptedUpstream } from '../support/scripted-upstream.js';

const command = fileURLToPath(new URL('../../runtime/cli/main.js', import.meta.url));
const ailing = fileURLToPath(new URL('./ailing-module.fixture.js', import.meta.url));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(env: Record<string, string>): Promise<TestAppliance> {
  const appliance = await startAppliance({ ARKALIA_RECOVERY_LOOK_MS: '100', ...env });
  closing.push(() => appliance.close());
  return appliance;
}

const incidentsOf = async (appliance: TestAppliance) =>
  (await appliance.json('/status')).incidents as { id: string; target: string }[];
const withAiling = { ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${ailing},helloria` };

test('a module that has failed is restarted, and only then called recovered', async () => {
  const appliance = await start({ ...withAiling, AILING_WELL_FROM: '2' });
  const [recovered] = await eventually(async () => {
    const found = await ledgerEvents(appliance, 'type=recovery_succeeded');
    return found.length > 0 ? found : undefined;
  });
  expect(recovered!.data).toEqual({ target: 'ailing', strategy: 'restart' });
  expect((await fetch(`${appliance.url}/ready`)).status).toBe(200);
  expect(await incidentsOf(appliance)).toEqual([]);
});

test('a module that stays failed is an incident with an id, in /status and the command, until a person closes it', async () => {
  const appliance = await start(withAiling);
  const [incident] = await eventually(async () => {
    const open = await incidentsOf(appliance);
    return open.length > 0 ? open : undefined;
  });
  expect(incident).toMatchObject({ target: 'ailing', tried: ['restart'] });
  const run = promisify(execFile);
  const listed = await run(process.execPath, [command, 'incidents', '--data', appliance.dataDir]);
  expect(listed.stdout).toContain(incident!.id);
  expect(listed.stdout).toContain('It coughs.');
  expect((await appliance.post(`/incidents/${incident!.id}/close`, {})).status).toBe(401);
  await run(process.execPath, [command, 'incidents', 'close', incident!.id, '--data', appliance.dataDir]);
  const all = (await appliance.json('/incidents')).incidents as { id: string; closed_by: string | null }[];
  expect(all.find(({ id }) => id === incident!.id)).toMatchObject({ closed_by: 'control socket' });
  const types = (await ledgerEvents(appliance)).map(({ type }) => type);
  expect(types).toEqual(expect.arrayContaining(['recovery_failed', 'incident_opened', 'incident_closed']));
});

test('an engine that goes and comes back is found again', async () => {
  const upstream = await ScriptedUpstream.start();
  const port = Number(new URL(upstream.url).port);
  const appliance = await start({
    ARKALIA_ENGINES_OPENAI_URL: upstream.url,
    ARKALIA_ENGINES_ORDER: 'openai,navigator',
    ARKALIA_RECOVERY_BACKOFF_MS: '100',
    ARKALIA_RECOVERY_BACKOFF_MAX_MS: '300',
  });
  const engine = async () =>
    ((await appliance.json('/status')).engines as { name: string; state: string }[]).find(
      ({ name }) => name === 'openai',
    )?.state;
  await eventually(async () => ((await engine()) === 'found' ? true : undefined));
  await upstream.close();
  // A prompt that names what is not there makes the appliance look again, unless it has just looked.
  await eventually(async () => {
    await (await appliance.post('/chat', { message: 'Hello', model: 'nowhere' })).text();
    return (await engine()) === 'absent' ? true : undefined;
  });
  const back = await ScriptedUpstream.start({ port });
  closing.push(() => back.close());
  await eventually(async () => ((await engine()) === 'found' ? true : undefined));
  // It is told once the check has run again, a moment after the engine is there.
  await eventually(async () => {
    const told = await ledgerEvents(appliance, 'type=recovery_succeeded');
    return told.some(({ data }) => data.target === 'openai') ? true : undefined;
  });
});
