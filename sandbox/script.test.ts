import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { levelsToTest } from '../test/support/levels.js';
import { sandboxOptions } from '../test/support/sandbox-options.js';
import { createPromptRunner } from './index.js';
import type { Incident } from './options.js';
import type { ScriptJob, ScriptOptions, ScriptOutcome } from './types.js';

const levels = await levelsToTest();

const base: Omit<ScriptJob, 'code'> = {
  facts: { clock: '{"iso":"2026-01-01"}' },
  functions: ['echo'],
  date: false,
  fuel: 300,
  memoryBytes: 33_554_432,
  callsMax: 4,
  outputCharsMax: 2000,
};

describe.each(levels)('scripts at level %s', (level) => {
  const incidents: Incident[] = [];
  const runner = createPromptRunner(
    sandboxOptions({
      sandbox: { workers: 1 },
      internal: { levels: [level] },
      onIncident: (incident) => incidents.push(incident),
    }),
  );
  beforeAll(() => runner.start());
  afterAll(() => runner.close());

  function run(
    code: string,
    job: Partial<ScriptJob> = {},
    options: Partial<ScriptOptions> = {},
  ): Promise<ScriptOutcome> {
    const call: ScriptOptions['call'] = async (_name, args) => args;
    const { signal } = new AbortController();
    return runner.runScript({ ...base, ...job, code }, { timeoutMs: 20_000, signal, call, ...options });
  }

  it.each([
    ['2 ** 10', '1024'],
    ['"text"', 'text'],
    ['10n ** 20n', '100000000000000000000'],
    ['0 / 0', 'NaN'],
    ['const x = [1, 2]; return x.map((y) => y * 2);', '[2,4]'],
    ['const x = 1;', 'undefined'],
    ['clock().iso', '2026-01-01'],
    ['await echo(1, "a", undefined)', '[1,"a",null]'],
    ['(await Promise.all([echo(1), echo(2)])).flat()', '[1,2]'],
  ])('%s gives %s', async (code, value) => {
    expect(await run(code)).toEqual({ value, log: '' });
  });

  it('nothing of the host is there, and what is not granted neither', async () => {
    const names = [
      'process',
      'require',
      'fetch',
      'WebAssembly',
      'std',
      'os',
      'module',
      'setTimeout',
      'Date',
      'Worker',
    ];
    const all = await run(`[${names.map((name) => `typeof ${name}`).join()}].join()`);
    expect(all).toEqual({ value: names.map(() => 'undefined').join(), log: '' });
    expect(await run('typeof Date', { date: true })).toMatchObject({ value: 'function' });
    expect(await run('typeof clock + typeof echo', { facts: {}, functions: [] })).toMatchObject({
      value: 'undefinedundefined',
    });
    for (const code of ['await import("os")', 'await import("/etc/passwd")', 'await import("data:,1")'])
      expect(await run(code)).toMatchObject({ fault: 'threw' });
    const climb = 'echo.constructor("return process")()';
    expect(await run(climb)).toMatchObject({
      fault: 'threw',
      message: "ReferenceError: 'process' is not defined",
    });
  });

  it.each([
    ['for (;;);', 'fuel'],
    ['(async () => { for (;;) await null; })()', 'fuel'],
    ['try { for (;;); } catch {} finally { for (;;); }', 'fuel'],
    ['/(a+)+$/.test("a".repeat(40) + "b")', 'fuel'],
    ['({ toJSON() { for (;;); } })', 'fuel'],
    ['throw { get name() { for (;;); } }', 'fuel'],
    ['new Proxy({}, { ownKeys() { for (;;); } })', 'fuel'],
    ['const a = []; for (;;) a.push(new Array(1e5).fill(1));', 'memory'],
    ['const a = []; for (;;) a.push(new Uint8Array(1e6));', 'memory'],
    ['const f = () => f() + 1; f()', 'threw'],
    // A fault of the interpreter's own: it has no bound for this, and its process ends.
    ['JSON.parse("[".repeat(1e5))', 'crashed'],
    ['await new Promise(() => {})', 'stalled'],
    ['this is no code (', 'syntax'],
    ['})(); (async () => { throw new Error("out")', 'threw'],
    ['throw new Error("own words")', 'threw'],
    ['for (;;) await echo(1)', 'threw'],
    ['await echo("x".repeat(1e5))', 'threw'],
  ])('%s ends with %s', async (code, fault) => {
    expect(await run(code)).toMatchObject({ fault });
  });

  it('what comes out is cut, of a value, of what is printed and of an error', async () => {
    expect(await run('"x".repeat(1e6)')).toEqual({ value: 'x'.repeat(2000), log: '' });
    const printed = await run('for (let i = 0; i < 1000; i++) console.log("abc", i, { i }); return 1');
    expect(printed).toMatchObject({ value: '1' });
    expect(printed.log).toHaveLength(2000);
    const thrown = (await run('throw new Error("x".repeat(1e5))')) as { message: string };
    expect(thrown.message).toHaveLength(1000);
  });

  it('a script that changes the language changes nothing of ours, and nothing is left for the next', async () => {
    const spoil = `
      JSON.stringify = () => '"forged"'; JSON.parse = () => 'forged'; Object.prototype.toJSON = undefined;
      Array.prototype.join = () => { throw 1 }; Promise.prototype.then = undefined; globalThis.echo2 = echo;
      Object.defineProperty(Object.prototype, 'fault', { value: 'forged' });`;
    expect(await run(`${spoil} return { a: 1 }`)).toMatchObject({ value: '{"a":1}' });
    expect(await run('typeof echo2 + JSON.stringify([1])')).toMatchObject({ value: 'undefined[1]' });
  });

  it('what a call throws is told to the script, and the script may go on', async () => {
    const call = () => Promise.reject(new Error('not today'));
    expect(await run('try { await echo() } catch (e) { return e.message }', {}, { call })).toMatchObject({
      value: 'not today',
    });
    expect(await run('await echo()', {}, { call })).toMatchObject({
      fault: 'threw',
      message: 'Error: not today',
    });
  });

  it('a call that hangs is ended at the deadline, and told so', async () => {
    let ended: Promise<unknown> = Promise.resolve();
    const call: ScriptOptions['call'] = (_name, _args, signal) => {
      ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
      return new Promise(() => {});
    };
    incidents.length = 0;
    expect(await run('await echo()', {}, { call, timeoutMs: 3000 })).toMatchObject({ fault: 'deadline' });
    await ended;
    expect(incidents).toEqual([{ cause: 'deadline', child: 'script' }]);
  });

  it('whoever gives up ends it, before it began and while it runs; the others go on', async () => {
    const gone = AbortSignal.abort();
    expect(await run('1', {}, { signal: gone })).toMatchObject({ fault: 'aborted' });
    const going = new AbortController();
    const call: ScriptOptions['call'] = () => {
      going.abort();
      return new Promise(() => {});
    };
    const [one, ...others] = await Promise.all([
      run('await echo()', {}, { call, signal: going.signal }),
      ...[1, 2, 3, 4].map((n) => run(`${n}`)),
    ]);
    expect(one).toMatchObject({ fault: 'aborted' });
    expect(others).toEqual([1, 2, 3, 4].map((n) => ({ value: `${n}`, log: '' })));
  });
});
