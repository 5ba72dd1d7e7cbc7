import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { decisions, factorNames, severities } from '../../runtime/contracts/decision.js';
import { TestAppliance } from '../support/appliance.js';
import { openaiErrorOf, problemOf, send, sendJson } from './raw.js';

interface Factor {
  name: string;
  score: number;
  weight: number;
  share: number;
}
interface DecisionAnswer {
  id: string;
  decision: (typeof decisions)[number];
  confidence: number;
  factors: Factor[];
  absent: string[];
  reasons: string[];
  model: { core_sha256: string; weights_version: string };
  recorded: string;
  receipt: { recorded: string; index: number; leaf_hash: string };
}
interface EventView {
  index: number;
  type: string;
  stream: string | null;
  data: Record<string, unknown>;
  leaf_hash: string;
}

let appliance: TestAppliance;
beforeAll(async () => {
  // Its own samples stay out of the way: one at the start, waited for, the next in an hour; and they do not act.
  appliance = await TestAppliance.start({
    env: { ARKALIA_REFLEXIA_INTERVAL_MS: '3600000', ARKALIA_ZEROIA_ACT: 'false' },
  });
  await vi.waitUntil(async () => (await appliance.json('/zeroia/status')).last_decision !== null, {
    timeout: 20_000,
    interval: 50,
  });
});
afterAll(() => appliance.close());

const decide = async (body: object): Promise<DecisionAnswer> => {
  const answer = await appliance.post('/zeroia/decisions', body);
  expect(answer.status).toBe(200);
  return (await answer.json()) as DecisionAnswer;
};
const rank = (decision: (typeof decisions)[number]) => decisions.indexOf(decision);

describe('the state of the appliance', () => {
  test('/health says alive and /ready says ready', async () => {
    expect(await appliance.json('/health')).toEqual({ status: 'ok', version: '0.1.0' });
    expect(await appliance.json('/ready')).toEqual({ ready: true });
  });

  test('/status shows every part that was promised', async () => {
    const status = await appliance.json('/status');
    expect(status).toMatchObject({
      name: 'arkalia-luna',
      version: '0.1.0',
      ready: true,
      setup_mode: false,
      level: 'normal',
      shed: [],
      ledger: { state: 'open' },
      guard: { mode: 'enforce' },
      core: { core_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const modules = status.modules as Record<string, { state: string }>;
    expect(Object.keys(modules).sort()).toEqual([
      'assistantia',
      'helloria',
      'nyxalia',
      'reflexia',
      'sandozia',
      'zeroia',
    ]);
    const names = (list: unknown) => (list as { name: string }[]).map(({ name }) => name).sort();
    expect(names(status.engines)).toEqual(['embedded', 'navigator', 'ollama', 'openai']);
    expect(names(status.breakers)).toEqual(['embedded', 'navigator', 'ollama', 'openai']);
    expect(['strict', 'seatbelt', 'process']).toContain((status.sandbox as { level: string }).level);
  });

  test('/zeroia/status, /reflexia/status and /sandozia/status answer', async () => {
    const zeroia = await appliance.json('/zeroia/status');
    expect(zeroia).toMatchObject({ level: 'normal', posted: expect.any(Object), model: expect.any(Object) });
    for (const path of ['/reflexia/status', '/sandozia/status'])
      expect((await fetch(appliance.url + path)).status).toBe(200);
  });

  test('/echo gives back any JSON value unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (message) => {
        const sent = JSON.stringify({ message });
        const answer = await appliance.post('/echo', sent);
        expect(answer.status).toBe(200);
        expect(await answer.json()).toEqual(JSON.parse(sent));
      }),
      { numRuns: 60 },
    );
  });

  test('/v1/models lists the assistant in the shape that OpenAI clients read, and one by its id', async () => {
    const list = (await appliance.json('/v1/models')) as { object: string; data: { id: string }[] };
    expect(list.object).toBe('list');
    const model = { id: 'arkalia', object: 'model', created: expect.any(Number), owned_by: 'arkalia-luna' };
    expect(list.data).toContainEqual(model);
    expect(await appliance.json('/v1/models/arkalia')).toEqual(model);
    const absent = await send(appliance.url, { path: '/v1/models/no/such:model' });
    expect(absent.status).toBe(404);
    expect(openaiErrorOf(absent)).toMatchObject({ code: 'model_not_found', param: 'model' });
  });
});

describe('decisions', () => {
  const percent = fc.double({ min: 0, max: 100, noNaN: true });
  const request = fc.record(
    {
      cpu: percent,
      ram: percent,
      severity: fc.constantFrom(...severities),
      temperature_c: fc.double({ min: -60, max: 150, noNaN: true }),
      disk: percent,
      error_rate: fc.double({ min: 0, max: 1, noNaN: true }),
      latency_ms: fc.double({ min: 0, max: 86_400_000, noNaN: true }),
      context: fc.oneof(
        fc.string(),
        fc.dictionary(fc.string({ maxLength: 20 }), fc.jsonValue({ maxDepth: 2 })),
      ),
    },
    { requiredKeys: ['cpu', 'ram', 'severity'] },
  );

  test('the rules that users rely on hold for any measurements, and the shares make the confidence', async () => {
    await fc.assert(
      fc.asyncProperty(request, async (body) => {
        const answer = await decide({ ...body, stream: 'rules' });
        if (body.severity === 'critical') expect(answer.decision).toBe('emergency_shutdown');
        if (body.cpu > 80) expect(rank(answer.decision)).toBeGreaterThanOrEqual(rank('reduce_load'));
        if (body.cpu > 60) expect(rank(answer.decision)).toBeGreaterThanOrEqual(rank('monitor'));
        const shares = answer.factors.map(({ score, weight, share }) => {
          expect(share).toBeCloseTo(score * weight, 9);
          return share;
        });
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(answer.confidence, 9);
        expect(answer.factors.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 9);
        const named = [...answer.factors.map(({ name }) => name), ...answer.absent];
        expect(named.sort()).toEqual([...factorNames].sort());
        expect(answer.absent.includes('error_rate')).toBe(body.error_rate === undefined);
        expect(answer.absent.includes('response_time')).toBe(body.latency_ms === undefined);
        expect(answer.absent.includes('context_relevance')).toBe(body.context === undefined);
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    [60, 'normal'],
    [60.01, 'monitor'],
    [80, 'monitor'],
    [80.01, 'reduce_load'],
    [100, 'reduce_load'],
  ])('CPU at %d with nothing else wrong is %s', async (cpu, decision) => {
    expect((await decide({ cpu, ram: 10, severity: 'none' })).decision).toBe(decision);
  });

  test('history belongs to its stream: the first has none, the second has, another has none', async () => {
    const body = { cpu: 10, ram: 10, severity: 'none' };
    expect((await decide({ ...body, stream: 'h1' })).absent).toContain('consistency');
    expect((await decide({ ...body, stream: 'h1' })).absent).not.toContain('consistency');
    expect((await decide({ ...body, stream: 'h2' })).absent).toContain('consistency');
  });

  test('the answer is in the ledger as it was given, with its receipt, without the words of its context', async () => {
    const context = 'the words about my kitchen fan';
    const answer = await decide({ cpu: 85, ram: 70, severity: 'high', context, stream: 'kitchen' });
    expect(answer).toMatchObject({ recorded: 'durable', receipt: { recorded: 'durable' } });
    const page = await fetch(`${appliance.url}/ledger/events?since=${answer.receipt.index}&limit=1`);
    const text = await page.text();
    const [event] = (JSON.parse(text) as { events: EventView[] }).events;
    expect(event).toMatchObject({
      index: answer.receipt.index,
      leaf_hash: answer.receipt.leaf_hash,
      type: 'decision_made',
      stream: 'posted:kitchen',
      data: { id: answer.id, decision: answer.decision, confidence: answer.confidence, ...answer.model },
    });
    expect(text).not.toContain('kitchen fan');
  });

  test('posted advice changes neither the level nor what the device decided, whatever it says', async () => {
    const before = await appliance.json('/zeroia/status');
    for (const stream of ['device', 'reflexia', 'posted:device', undefined])
      for (let i = 0; i < 5; i++)
        await decide({ cpu: 100, ram: 100, severity: 'critical', temperature_c: 150, stream });
    const after = await appliance.json('/zeroia/status');
    expect(after).toMatchObject({ level: 'normal', shed: [], last_decision: before.last_decision });
    const posted = (status: Record<string, unknown>) =>
      (status.posted as Record<string, number>).emergency_shutdown!;
    expect(posted(after) - posted(before)).toBe(20);
    expect((await appliance.json('/status')).level).toBe('normal');
    const { events } = (await appliance.json('/ledger/events?stream=device')) as { events: EventView[] };
    expect(events.every(({ data }) => data.decision !== 'emergency_shutdown')).toBe(true);
    const changed = (await appliance.json('/ledger/events?type=degradation_changed')) as {
      events: EventView[];
    };
    expect(changed.events).toEqual([]);
  });
});

describe('methods and addresses', () => {
  test('HEAD answers like GET, without a body', async () => {
    for (const path of ['/health', '/status', '/docs', '/openapi.json', '/metrics', '/v1/models']) {
      const head = await send(appliance.url, { method: 'HEAD', path });
      const get = await send(appliance.url, { path });
      expect([path, head.status, head.text]).toEqual([path, get.status, '']);
      expect(head.headers['content-type']).toBe(get.headers['content-type']);
    }
  });

  test('OPTIONS names the methods, and a method that is not among them is a 405 that names them too', async () => {
    for (const [path, allow] of [
      ['/health', 'GET, HEAD, OPTIONS'],
      ['/echo', 'POST, OPTIONS'],
      ['/keys', 'GET, POST, HEAD, OPTIONS'],
      ['/keys/abc', 'DELETE, OPTIONS'],
    ] as const) {
      const options = await send(appliance.url, { method: 'OPTIONS', path });
      expect([options.status, options.headers.allow, options.text]).toEqual([204, allow, '']);
      const wrong = await send(appliance.url, { method: 'PATCH', path });
      expect([wrong.status, wrong.headers.allow]).toEqual([405, allow]);
      expect(problemOf(wrong)).toMatchObject({ code: 'method_not_allowed' });
    }
  });

  test('under /v1 and /api what is not there and what is not allowed speak as OpenAI and Ollama do', async () => {
    const absent = await send(appliance.url, { path: '/v1/images' });
    expect([absent.status, openaiErrorOf(absent).code]).toEqual([404, 'not_found']);
    const ollama = await send(appliance.url, { path: '/api/pull' });
    expect([ollama.status, JSON.parse(ollama.text)]).toMatchObject([
      404,
      { code: 'not_found', error: expect.any(String) },
    ]);
    const wrong = await send(appliance.url, { path: '/v1/chat/completions' });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'POST, OPTIONS']);
    expect(openaiErrorOf(wrong)).toMatchObject({ code: 'method_not_allowed', type: 'invalid_request_error' });
  });

  test('anything else is a 404 problem document that says where to look', async () => {
    for (const path of ['/nope', '/health/', '/HEALTH', '//health', '/..%2fhealth', '/__proto__', '/%zz']) {
      const answer = await send(appliance.url, { path });
      expect([path, answer.status]).toEqual([path, 404]);
      expect(problemOf(answer)).toMatchObject({
        code: 'not_found',
        detail: expect.stringContaining('/docs'),
      });
    }
    expect((await sendJson(appliance.url, '/nope', {})).status).toBe(404);
  });

  test('every answer has an id of its own and forbids sniffing', async () => {
    const answers = await Promise.all(
      ['/health', '/nope', '/status'].map((path) => send(appliance.url, { path })),
    );
    expect(new Set(answers.map(({ headers }) => headers['x-request-id'])).size).toBe(3);
    for (const { headers } of answers) expect(headers['x-content-type-options']).toBe('nosniff');
  });
});
