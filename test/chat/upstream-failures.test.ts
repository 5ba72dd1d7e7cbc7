import { readFileSync } from 'node:fs';
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

interface Choice {
  delta?: { content?: string };
  message?: { content: string };
  text?: string;
}
const textOf = ({ delta, message, text }: Choice) => delta?.content ?? message?.content ?? text ?? '';

const openai = {
  async read(response: Response) {
    let text = '';
    let end = 'silence';
    for (const { data } of await allFrames(response)) {
      expect(end, 'something came after the end').toBe('silence');
      if (data === '[DONE]') {
        end = 'done';
        continue;
      }
      const chunk = JSON.parse(data) as { error?: { code: string }; choices: Choice[] };
      if (chunk.error !== undefined) end = `error ${chunk.error.code}`;
      else text += chunk.choices.map(textOf).join('');
    }
    return { text, end };
  },
  whole: (body: Record<string, unknown>) => (body.choices as Choice[]).map(textOf).join(''),
  code: (body: Record<string, unknown>) => (body.error as { code: string }).code,
};

interface Line {
  error?: string;
  code?: string;
  done?: boolean;
  message?: { content: string };
  response?: string;
}
const saidIn = ({ message, response }: Line) => message?.content ?? response ?? '';

const ollama = {
  async read(response: Response) {
    let text = '';
    let end = 'silence';
    const body = await response.text();
    if (body !== '' && !body.endsWith('\n')) throw new Error(`the stream ended inside a line: ${body}`);
    for (const line of body.split('\n').slice(0, -1)) {
      expect(end, 'something came after the end').toBe('silence');
      const value = JSON.parse(line) as Line;
      if (value.error !== undefined) end = `error ${value.code}`;
      else text += saidIn(value);
      if (value.done === true) end = 'done';
    }
    return { text, end };
  },
  whole: (body: Record<string, unknown>) => saidIn(body),
  code: (body: Record<string, unknown>) => body.code,
};

const model = 'arkalia';
const apis: Record<string, Api> = {
  '/v1/chat/completions': {
    path: '/v1/chat/completions',
    body: (stream) => completion('Hello', { stream }),
    ...openai,
  },
  '/v1/completions': {
    path: '/v1/completions',
    body: (stream) => ({ prompt: 'Hello', stream }),
    ...openai,
  },
  '/api/chat': {
    path: '/api/chat',
    body: (stream) => completion('Hello', { stream, model }),
    ...ollama,
  },
  '/api/generate': {
    path: '/api/generate',
    body: (stream) => ({ prompt: 'Hello', stream, model }),
    ...ollama,
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

test('docs/apis.md shows this table', () => {
  const columns = ['whole, alone', 'streamed, alone', 'whole, a second engine', 'streamed, a second engine'];
  const rows = failures.map(({ name }) => {
    const row = table.get(name) ?? {};
    return `| ${[name, ...columns.map((column) => row[column])].join(' | ')} |`;
  });
  const shown = [`| The engine | ${columns.join(' | ')} |`, '| --- | --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
  const file = new URL('../../../docs/apis.md', import.meta.url);
  expect(readFileSync(file, 'utf8')).toContain(shown);
});
