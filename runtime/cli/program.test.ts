import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './program.js';
import { FakeIo } from './testing/fake-io.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(argv: string[], env: Record<string, string> = {}): Promise<FakeIo & { code: number }> {
  const io = new FakeIo(env);
  const code = await runCli(argv, io);
  return Object.assign(io, { code });
}

describe('help', () => {
  it('lists every verb and ends well', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    const verbs = ['serve', 'doctor', 'chat', 'decide', 'config', 'keys', 'setup-code', 'version'];
    for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, 'm'));
  });

  it.each(['serve', 'doctor', 'chat', 'decide', 'config', 'keys', 'setup-code'])(
    '%s has help of its own',
    async (verb) => {
      const { code, stdout } = await run([verb, '--help']);
      expect(code).toBe(0);
      expect(stdout).toContain(`arkalia ${verb}`);
    },
  );

  it('tells the version', async () => {
    const { code, stdout } = await run(['version']);
    expect([code, (await run(['--version'])).stdout]).toEqual([0, stdout]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('wrong arguments end with 2 and say what is right', () => {
  it.each([
    [['sreve'], 'Did you mean serve?'],
    [['serve', '--prt', '1'], 'Did you mean --port?'],
    [['chat'], "missing required argument 'message'"],
    [['decide', '--cpu', '1'], '--ram'],
    [['decide', '--cpu', '101', '--ram', '1'], 'a number from 0 to 100'],
    [['decide', '--cpu', '', '--ram', '1'], 'a number from 0 to 100'],
    [['decide', '--cpu', 'NaN', '--ram', '1'], 'a number from 0 to 100'],
    [
      ['decide', '--cpu', '1', '--ram', '1', '--severity', 'bad'],
      'none, normal, low, medium, high, critical',
    ],
    [['decide', '--cpu', '1', '--ram', '1', '--url', 'ftp://x'], '--url must be an address'],
    [['keys', 'create', '--name', 'x', '--role', 'root'], 'user, operator, admin'],
    [['keys', 'create'], 'arkalia keys create NAME'],
    [['serve', '--no-supervise', '--port', 'many'], 'a whole number from 0 to 65535'],
    [['serve', '--no-supervise', '--port', '65536'], 'a whole number from 0 to 65535'],
  ])('%j', async (argv, said) => {
    const { code, stderr, stdout } = await run(argv);
    expect(code).toBe(2);
    expect(stderr).toContain(said);
    expect(stdout).toBe('');
  });
});

describe('configuration', () => {
  it('lists every problem and ends with 2', async () => {
    const file = join(folder, 'a.toml');
    writeFileSync(file, '[http]\nprot = 1\nport = "x"\n');
    const { code, stderr } = await run(['serve', '--no-supervise', '--config', file], {
      ARKALIA_NOPE: '\u001b[2J',
    });
    expect(code).toBe(2);
    expect(stderr).toContain('3 problems');
    expect(stderr).toContain('Nearest known key: http.port');
    expect(stderr).toContain('arkalia config --keys');
    expect(stderr).not.toContain('\u001b');
  });

  it('says which file is missing', async () => {
    const { code, stderr } = await run(['config', '--config', join(folder, 'absent.toml')]);
    expect(code).toBe(2);
    expect(stderr).toContain('there is no such file');
  });

  it('prints what is in effect and where it comes from', async () => {
    const file = join(folder, 'a.toml');
    writeFileSync(file, '[http]\nport = 1234\n');
    const { code, stdout } = await run(['config', '--config', file, '--data', '/x'], {
      ARKALIA_LOG_LEVEL: 'warn',
    });
    expect(code).toBe(0);
    expect(stdout).toContain('port = 1234  # file');
    expect(stdout).toContain('level = "warn"  # environment');
    expect(stdout).toContain('data_dir = "/x"  # flag');
    expect(stdout).toContain('host = "127.0.0.1"  # default');
  });

  it('prints every key', async () => {
    const { stdout } = await run(['config', '--keys']);
    expect(stdout).toContain('ARKALIA_ENGINES_OPENAI_URL');
    expect(stdout).toContain('a whole number from 0 to 65535; default 8000');
  });
});
