import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../contracts/clock.js';
import { controlSocketPath } from './control-socket.js';
import { openDataFolder } from './data-folder.js';
import { writeFileAtomic } from './write-file-atomic.js';

const script = fileURLToPath(new URL('./hold.fixture.js', import.meta.url));
const info = { address: 'http://127.0.0.1:8000', version: '0.1.0', clock: systemClock };
let base: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'arkalia-folder-'));
  path = join(base, 'a', 'data');
});

afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  rmSync(base, { recursive: true });
});

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Starts a second process on the folder and returns its first line. */
async function startHolder(): Promise<{ child: ChildProcess; said: string }> {
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, said: chunk.toString('utf8').trim() };
}

describe('openDataFolder', () => {
  it('makes the folder for its owner alone, says who holds it, and gives it back', async () => {
    const folder = await openDataFolder(path, info);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(path)) expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
    expect(readdirSync(path).sort()).toEqual(['lock.sqlite', 'owner.json']);
    expect(JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'))).toEqual({
      pid: process.pid,
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      address: info.address,
      version: info.version,
    });
    await folder.release();
    await folder.release();
    expect(existsSync(join(path, 'owner.json'))).toBe(false);
    await (await openDataFolder(path, info)).release();
  });

  it('returns the real path, so that two names of one folder are one folder', async () => {
    mkdirSync(path, { recursive: true });
    symlinkSync(path, join(base, 'link'));
    const folder = await openDataFolder(join(base, 'link'), info);
    await expect(openDataFolder(path, info)).rejects.toMatchObject({ code: 'data_folder_locked' });
    expect(statSync(folder.path).ino).toBe(statSync(path).ino);
    await folder.release();
  });

  it('tells this process that another holds it: who, and what to do', async () => {
    const { child, said } = await startHolder();
    expect(said).toBe('held');
    await expect(openDataFolder(path, info)).rejects.toMatchObject({
      name: 'DataFolderError',
      code: 'data_folder_locked',
      message: expect.stringMatching(
        new RegExp(
          `held by process ${child.pid} \\(arkalia 1\\.2\\.3, http://127\\.0\\.0\\.1:8123.*stop it.*--data`,
        ),
      ),
    });
  });

  it('tells another process that this one holds it, also after a refused attempt in this one', async () => {
    const folder = await openDataFolder(path, info);
    await expect(openDataFolder(path, info)).rejects.toMatchObject({ code: 'data_folder_locked' });
    const { child, said } = await startHolder();
    expect(said).toMatch(new RegExp(`^data_folder_locked .*process ${process.pid} `));
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(1);
    await folder.release();
  });

  it('is free after kill -9 of the holder, whatever the holder left behind', async () => {
    const { child } = await startHolder();
    await kill(child);
    expect(existsSync(join(path, 'owner.json'))).toBe(true);
    const folder = await openDataFolder(path, info);
    expect(JSON.parse(readFileSync(join(path, 'owner.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    await folder.release();
  });

  it.each(['', 'no json', '[]', '{"pid":-1,"since":"","address":"","version":""}'])(
    'is still refused when owner.json says %j',
    async (content) => {
      const folder = await openDataFolder(path, info);
      writeFileSync(join(path, 'owner.json'), content);
      await expect(openDataFolder(path, info)).rejects.toThrow(
        /held by another process, which has not written/,
      );
      await folder.release();
    },
  );

  it('refuses a file, and a lock file that is no database', async () => {
    writeFileSync(join(base, 'file'), '');
    await expect(openDataFolder(join(base, 'file'), info)).rejects.toMatchObject({
      code: 'data_folder_unusable',
    });
    mkdirSync(join(path, 'lock.sqlite'), { recursive: true });
    await expect(openDataFolder(path, info)).rejects.toMatchObject({ code: 'data_folder_unusable' });
  });
});

describe('writeFileAtomic', () => {
  it('replaces the content and the permissions, and leaves nothing else behind', async () => {
    const file = join(base, 'key.json');
    writeFileSync(file, 'old', { mode: 0o644 });
    await writeFileAtomic(file, 'new');
    expect(readFileSync(file, 'utf8')).toBe('new');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await writeFileAtomic(file, Buffer.from([0, 255]), 0o640);
    expect([...readFileSync(file)]).toEqual([0, 255]);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(base)).toEqual(['key.json']);
  });

  it('keeps the old file and cleans up when it cannot finish', async () => {
    mkdirSync(join(base, 'taken', 'inside'), { recursive: true });
    await expect(writeFileAtomic(join(base, 'taken'), 'x')).rejects.toThrow();
    await expect(writeFileAtomic(join(base, 'missing', 'x'), 'x')).rejects.toThrow(/ENOENT/);
    expect(readdirSync(base)).toEqual(['taken']);
  });

  it('shows a reader one whole content at every moment, with many writers', async () => {
    const file = join(base, 'state');
    await writeFileAtomic(file, 'a'.repeat(10_000));
    const writers = Promise.all([...'bcdefgh'].map((letter) => writeFileAtomic(file, letter.repeat(10_000))));
    for (let i = 0; i < 50; i++) {
      const content = readFileSync(file, 'utf8');
      expect(content).toBe((content[0] ?? '').repeat(10_000));
      await new Promise(setImmediate);
    }
    await writers;
    expect(readdirSync(base)).toEqual(['state']);
  });
});

describe('controlSocketPath', () => {
  it('takes 103 bytes and refuses 104, counted in bytes', () => {
    const folderOf = (bytes: number) => `/${'x'.repeat(bytes - 1 - '/control.sock'.length)}`;
    expect(controlSocketPath(folderOf(103))).toHaveLength(103);
    expect(() => controlSocketPath(folderOf(104))).toThrow(/has 104 bytes.*at most 103.*shorter/);
    expect(() => controlSocketPath(`/${'é'.repeat(50)}`)).toThrow(/bytes/);
  });
});
