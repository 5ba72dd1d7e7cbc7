import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { type Script, ScriptedUpstream } from '../support/scripted-upstream.js';
import { allFrames, completion, noBreaker, startAppliance } from './support.js';

/** Every way in which an engine fails; `spoken` when the client may have read text before it. Refused connections come last. */
const failures: { name: string; script: Script | 'refused'; spoken?: true; code: string; status: number }[] =
  [
    { name: 'silent', script: { kind: 'stall' }, code: 'engine_failed', status: 502 },
    { name: 'dies', script: { kind: 'die' }, code: 'engine_failed', status: 502 },
    {
      name: 'ends without a word',
      script: { kind: 'truncated', pieces: [] },
      code: 'engine_failed',
      status: 502,
    },
    { name: 'status 500', script: { kind: 'status', status: 500 }, code: 'engine_failed', status: 502 },
    { name: 'status 429', script: { kind: 'status', status: 429 }, code: 'engine_unavailable', status: 503 },
    {
      name: 'status 200, a page',
      script: { kind: 'raw', chunks: ['<html>\n<p>Hi\n'] },
      code: 'engine_failed',
      status: 502,
    },
    {
      name: 'not UTF-8',
      script: { kind: 'raw', chunks: [Buffer.from([0xff, 0xfe, 0x0a])] },
      code: 'engine_failed',
      status: 502,
    },
    { name: 'error object', script: { kind: 'error_mid', pieces: [] }, code: 'engine_failed', status: 502 },
    { name: 'not HTTP', script: { kind: 'not_http' }, code: 'engine_failed', status: 502 },
    {
      name: 'silent in mid-answer',
      script: { kind: 'stall_mid', pieces: ['One. ', 'Two. '] },
      spoken: true,
      code: 'engine_failed',
      status: 502,
    },
    {
      name: 'dies in mid-answer',
      script: { kind: 'die_mid', pieces: ['One. ', 'Two. '] },
      spoken: true,
      code: 'engine_failed',
      status: 502,
    },
    {
      name: 'ends in mid-answer',
      script: { kind: 'truncated', pieces: ['One. ', 'Two. '] },
      spoken: true,
      code: 'engine_failed',
      status: 502,
    },
    {
      name: 'error in mid-answer',
      script: { kind: 'error_mid', pieces: ['One. ', 'Two. '] },
      spoken: true,
      code: 'engine_failed',
      status: 502,
    },
    { name: 'refused connection', script: 'refused', code: 'engine_unavailable', status: 503 },
  ];

const complete = 'The second engine answers.';
const table = new Map<string, Record<string, string>>();

interface Api {
  path: string;
  body(stream: boolean): object;
  /** What a client makes of a stream: the text, and how it ended. */
  read(response: Response): Promise<{ text: string; end: string }>;
  whole(body: Record<string, unknown>): string;
  code(body: Record<string, unknown>): unknown;
}

const apis: Record<string, Api> = {
  '/v1': {
    path: '/v1/chat/completions',
    body: (stream) => completion('Hello', { stream }),
    async read(response) {
      let text = '';
      let end = 'silence';
      for (const { data } of await allFrames(response)) {
        expect(end, 'something came after the end').toBe('silence');
        if (data === '[DONE]') {
          end = 'done';
          continue;
        }
        const chunk = JSON.parse(data) as {
          error?: { code: string };
          choices: { delta: { content?: string } }[];
        };
        if (chunk.error !== undefined) end = `error ${chunk.error.code}`;
        else text += chunk.choices[0]?.delta.content ?? '';
      }
      return { text, end };
    },
    whole: (body) => (body.choices as { message: { content: string } }[])[0]!.message.content,
    code: (body) => (body.error as { code: string }).code,
  },
  '/chat': {
    path: '/chat',
    body: (stream) => ({ message: 'Hello', stream }),
    async read(response) {
      let text = '';
      let end = 'silence';
      for (const { event, data } of await allFrames(response)) {
        expect(end, 'something came after the end').toBe('silence');
        const value = JSON.parse(data) as { text: string; code: string };
        if (event === 'delta') text += value.text;
        else end = event === 'error' ? `error ${value.code}` : event;
      }
      return { text, end };
    },
    whole: (body) => body.answer as string,
    code: (body) => body.code,
  },
};

/** What the client got, in words. */
async function outcome(appliance: TestAppliance, api: Api, stream: boolean): Promise<string> {
  const response = await appliance.post(api.path, api.body(stream));
  if (response.status !== 200) {
    return `${response.status} ${api.code((await response.json()) as Record<string, unknown>)}`;
  }
  if (!stream) {
    const text = api.whole((await response.json()) as Record<string, unknown>);
    return text === complete ? 'whole answer' : `200 with "${text}"`;
  }
  const { text, end } = await api.read(response);
  if (end === 'done') return text === complete ? 'whole answer' : `"${text}" and done`;
  return text === 'One. Two. ' ? `text, then ${end}` : `"${text}", then ${end}`;
}

function expected(failure: (typeof failures)[number], stream: boolean, second: boolean): string {
  const { spoken, code, status } = failure;
  if (spoken && stream) return `text, then error ${code}`;
  return second && !spoken ? 'whole answer' : `${status} ${code}`;
}

const setUps = (['openai', 'ollama'] as const).flatMap((first) =>
  [false, true].map((second) => ({ first, second })),
);

describe.each(setUps)('$first fails, a second engine: $second', ({ first, second }) => {
  const other = first === 'openai' ? 'ollama' : 'openai';
  let failing: ScriptedUpstream;
  let helping: ScriptedUpstream | undefined;
  let appliance: TestAppliance;
  let refusing = false;

  beforeAll(async () => {
    failing = await ScriptedUpstream.start({ as: first });
    helping = second ? await ScriptedUpstream.start({ as: other }) : undefined;
    helping?.always({ kind: 'ok', pieces: ['The second engine', ' answers.'] });
    const urlOf = (name: string) => `ARKALIA_ENGINES_${name.toUpperCase()}_URL`;
    appliance = await startAppliance({
      ...noBreaker,
      ARKALIA_ENGINES_ORDER: second ? `${first},${other}` : first,
      [`ARKALIA_ENGINES_${first.toUpperCase()}_IDLE_TIMEOUT_MS`]: '200',
      [urlOf(first)]: failing.url,
      ...(helping === undefined ? {} : { [urlOf(other)]: helping.url }),
    });
  });
  afterAll(async () => {
    await appliance?.close();
    await helping?.close();
    if (!refusing) await failing?.close();
  });

  test.each(failures)('$name', async (failure) => {
    if (failure.script === 'refused') {
      refusing = true;
      await failing.close();
    } else failing.always(failure.script);
    for (const [name, api] of Object.entries(apis)) {
      for (const stream of [false, true]) {
        const got = await outcome(appliance, api, stream);
        const column = `${stream ? 'streamed' : 'whole'}, ${second ? 'a second engine' : 'alone'}`;
        const row = table.get(failure.name) ?? {};
        table.set(failure.name, row);
        row[column] = row[column] === undefined || row[column] === got ? got : `${row[column]} / ${got}`;
        expect(got, `${name}, ${column}`).toBe(expected(failure, stream, second));
      }
    }
  });
});

afterAll(() => {
  console.table(Object.fromEntries(table));
});
