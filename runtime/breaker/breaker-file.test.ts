import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SavedBreaker } from '../../core-wasm/index.js';
import { BreakerFile, readBreakerFile } from './breaker-file.js';

let folder: string;
let path: string;
let logged: string[];
const log = {
  warn: (_: object, message: string) => void logged.push(`warn ${message}`),
  error: (_: object, message: string) => void logged.push(`error ${message}`),
};
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-breakers-'));
  path = join(folder, 'breakers.json');
  logged = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open: SavedBreaker = {
  state: 'open',
  step: 2,
  openMs: 1234.5,
  window: { calls: 9, failures: 5, slow: 1 },
};

function file(saved: Map<string, SavedBreaker>) {
  const counted = { saves: 0 };
  const save = () => {
    counted.saves++;
    return saved;
  };
  return { counted, file: new BreakerFile({ path, wallMs: () => -5, save, log }) };
}

describe('breaker file', () => {
  it('gives back what it was given, also in 1969', async () => {
    const saved = new Map([
      ['ollama', open],
      ['navigator', { ...open, state: 'closed', openMs: 0 } as const],
    ]);
    await file(saved).file.close();
    expect(await readBreakerFile(path, log)).toEqual(saved);
    expect(JSON.parse(readFileSync(path, 'utf8')).written_ms).toBe(-5);
    expect(logged).toEqual([]);
  });

  it('makes one write of the changes of a turn, and one of all that change while it writes', async () => {
    const { counted, file: one } = file(new Map([['x', open]]));
    for (let i = 0; i < 50; i++) one.changed();
    await turn();
    await turn();
    expect(counted.saves).toBe(1);
    for (let i = 0; i < 50; i++) one.changed();
    await one.close();
    expect(counted.saves).toBe(2);
    await one.close();
    expect(counted.saves).toBe(3);
    expect(readdirSync(folder)).toEqual(['breakers.json']);
  });

  it('logs a write that fails, and writes again at the next change', async () => {
    const { file: one } = file(new Map([['x', open]]));
    rmSync(folder, { recursive: true });
    await one.close();
    expect(logged).toEqual(['error the breakers could not be saved']);
    mkdirSync(folder);
    await one.close();
    expect((await readBreakerFile(path, log)).get('x')).toEqual(open);
  });

  it('there is nothing at the first start, and nothing to say about it', async () => {
    expect(await readBreakerFile(path, log)).toEqual(new Map());
    expect(logged).toEqual([]);
  });

  const valid = { state: 'open', step: 0, open_ms: 1, calls: 1, failures: 1, slow: 0 };
  const whole = (breaker: object) => JSON.stringify({ version: 1, written_ms: 0, breakers: { x: breaker } });
  it.each([
    ['empty', ''],
    ['half a file', whole(valid).slice(0, 40)],
    ['not ours', '{"breakers":[]}'],
    ['of another version', whole(valid).replace('"version":1', '"version":2')],
    ['with a state that is none', whole({ ...valid, state: 'ajar' })],
    ['with more failures than calls', whole({ ...valid, failures: 2 })],
    ['with a step out of bounds', whole({ ...valid, step: 32 })],
    ['with a time below 0', whole({ ...valid, open_ms: -1 })],
    ['with a time that is no number', whole({ ...valid, open_ms: null })],
    ['with a key too many', whole({ ...valid, more: 1 })],
    ['binary', '\u0000\ufffd'],
    ['too long', ' '.repeat(1_048_577)],
  ])('sets a file aside that is %s', async (_, text) => {
    writeFileSync(path, text);
    expect(await readBreakerFile(path, log)).toEqual(new Map());
    expect(logged).toEqual(['warn the saved breakers cannot be read; they begin closed']);
    expect(existsSync(path)).toBe(false);
    expect(readFileSync(`${path}.set-aside`, 'utf8')).toBe(text);
  });

  it('starts also when the path is a folder that cannot be set aside', async () => {
    mkdirSync(path);
    mkdirSync(`${path}.set-aside`);
    writeFileSync(join(`${path}.set-aside`, 'in-the-way'), '');
    expect(await readBreakerFile(path, log)).toEqual(new Map());
    expect(logged).toEqual([
      'warn the saved breakers cannot be read; they begin closed',
      'error the saved breakers could not be set aside',
    ]);
  });
});
