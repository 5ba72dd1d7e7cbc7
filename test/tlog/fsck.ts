import { execFile, fork } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Database } from '../../runtime/contracts/sqlite.js';
import type { Load, Measured } from '../bench/load-client.js';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';

/** Levels 0 and 1 full and partial, level 2 partial. */
const eventsMin = 70_000;
const loadRoundsMax = 15;
const fsckMs = 60_000;
/** What is damaged lies behind no check of the start: in the middle of the log. */
const damagedEntry = 12_345;
const damagedSlot = 54_321;

const [fsck] = process.argv.slice(2);
if (fsck === undefined) throw new Error('usage: fsck.js PATH-OF-FSCK');

const env = {
  ARKALIA_REFLEXIA_INTERVAL_MS: '3600000',
  ARKALIA_LIMITS_REQUESTS_PER_SECOND: '1000000',
  ARKALIA_LIMITS_REQUESTS_BURST: '1000000',
};
const say = (text: string) => console.log(text);

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
  say(`ok: ${what}`);
}

async function arkalia(dataDir: string, ...argv: string[]) {
  return cli([...argv, '--data', dataDir], { cwd: dataDir });
}

/** Several connections that post decisions until the log is large enough. */
async function fill(appliance: TestAppliance): Promise<number> {
  const script = fileURLToPath(new URL('../bench/load-client.js', import.meta.url));
  const body = JSON.stringify({ cpu: 85, ram: 70, severity: 'high', context: 'what somebody typed' });
  const load: Load = { url: `${appliance.url}/zeroia/decisions`, body, connections: 32, seconds: 3 };
  for (let round = 0; round < loadRoundsMax; round++) {
    const { failed } = await new Promise<Measured>((resolve, reject) => {
      const child = fork(script, [JSON.stringify(load)]);
      child.once('message', (value) => resolve(value as Measured));
      child.once('exit', (code) => reject(new Error(`the load ended with ${code}`)));
    });
    if (failed > 0) throw new Error(`${failed} decisions failed`);
    const { size } = (await appliance.json('/status')).ledger as { size: number };
    say(`${size} events`);
    if (size >= eventsMin) return size;
  }
  throw new Error(`fewer than ${eventsMin} events after ${loadRoundsMax} rounds`);
}

/** The verdict of fsck is its text: its exit code is 0 either way. The size that it found good, or what it said. */
function runFsck(
  url: string,
  keyFile: string,
  token: string,
): Promise<{ size: number | null; text: string }> {
  const flags = [
    `--storage_url=${url}/ledger/`,
    `--public_key=${keyFile}`,
    `--bearer_token=${token}`,
    '--ui=false',
    '--N=4',
  ];
  return new Promise((resolve, reject) => {
    execFile(fsck!, flags, { timeout: fsckMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const text = stdout + stderr;
      const match = /Successfully fsck'd log with size (\d+)/.exec(text);
      if (error?.killed) reject(new Error(`fsck did not end within ${fsckMs} ms`));
      else resolve({ size: match === null ? null : Number(match[1]), text });
    });
  });
}

/** The newest checkpoint may be a second old; waits for one over so many events. */
async function signed(server: TestAppliance, size: number): Promise<void> {
  for (;;) {
    const note = await (await fetch(`${server.url}/ledger/checkpoint`)).text();
    if (Number(note.split('\n')[1]) >= size) return;
  }
}

/** One byte of a stored BLOB is changed. */
function flip(
  dataDir: string,
  { table, column, where, at }: Record<'table' | 'column' | 'where', string> & { at: number },
) {
  const db = new Database(join(dataDir, 'ledger.sqlite'));
  const blob = db.prepare(`SELECT ${column} FROM ${table} WHERE ${where}`).pluck().get() as Buffer;
  blob[at]! ^= 0x01;
  db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(blob);
  db.close();
}

const work = await mkdtemp(join(tmpdir(), 'arkalia-fsck-'));
const dataDir = join(work, 'whole');
const keyFile = join(work, 'verifier');
let appliance: TestAppliance | undefined;
/** Serves a folder, does something, and stops. */
async function serving<T>(folder: string, use: (appliance: TestAppliance) => Promise<T>): Promise<T> {
  appliance = await TestAppliance.start({ env, dataDir: folder });
  const result = await use(appliance);
  await appliance.end();
  appliance = undefined;
  return result;
}

try {
  await mkdir(dataDir, { mode: 0o700 });
  const token = (
    await arkalia(dataDir, 'keys', 'create', '--name', 'auditor', '--role', 'operator')
  ).stdout.trim();
  const verifier = (await arkalia(dataDir, 'keys', 'show-verifier')).stdout;
  await writeFile(keyFile, verifier);
  say(`verifier key: ${verifier.trim()}`);

  await serving(dataDir, async (server) => {
    const size = await fill(server);
    await signed(server, size);
    const { size: found, text } = await runFsck(server.url, keyFile, token);
    if (found === null) say(text);
    expect(found !== null && found >= size, `fsck: Successfully fsck'd log with size ${found}`);
    const live = await arkalia(dataDir, 'verify', '--verifier', verifier.trim());
    expect(live.code === 0, `arkalia verify, beside the server: ${live.stdout.trim().replaceAll('\n', ' ')}`);
  });

  const damages = [
    {
      name: 'entry',
      index: damagedEntry,
      table: 'events',
      column: 'leaf',
      where: `"index" = ${damagedEntry}`,
      at: 30,
    },
    {
      name: 'tile',
      index: damagedSlot,
      table: 'tiles',
      column: 'hashes',
      where: `level = 0 AND number = ${Math.floor(damagedSlot / 256)}`,
      at: (damagedSlot % 256) * 32 + 7,
    },
  ];
  for (const { name, index, ...place } of damages) {
    const copy = join(work, name);
    await cp(dataDir, copy, { recursive: true });
    flip(copy, place);
    const { size, text } = await serving(copy, (server) => runFsck(server.url, keyFile, token));
    expect(size === null && text.includes('fsck failed'), `one byte of a stored ${name} changed: fsck fails`);
    const { code, stderr } = await arkalia(copy, 'verify', '--verifier', verifier.trim());
    expect(
      code === 1 && stderr.includes(`The first event that does not hold is ${index}.`),
      `one byte of a stored ${name} changed: arkalia verify fails and names event ${index}`,
    );
  }
} finally {
  await appliance?.end('SIGKILL');
  await rm(work, { recursive: true, force: true });
}
