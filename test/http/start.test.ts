import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get as getHttp } from 'node:http';
import { get as getHttps } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'arkalia-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const serve = (options: { env?: Record<string, string>; flags?: string[] } = {}) =>
  cli(['serve', '--port', '0', '--data', join(folder, 'data'), ...(options.flags ?? [])], {
    cwd: folder,
    env: options.env ?? {},
  });

describe('a configuration that cannot be used stops the start and names key, value, what is allowed and the nearest', () => {
  test.each([
    [{ ARKALIA_HTTP_PROT: '8123' }, ['ARKALIA_HTTP_PROT', '8123', 'ARKALIA_HTTP_PORT']],
    [{ ARKALIA_ENGINE_ORDER: 'ollama' }, ['ARKALIA_ENGINE_ORDER', 'ollama', 'ARKALIA_ENGINES_ORDER']],
    [{ ARKALIA_LIMITS_PROMPTS_BURST: 'many' }, ['ARKALIA_LIMITS_PROMPTS_BURST', 'many', '1', '1000000']],
    [{ ARKALIA_LIMITS_PROMPTS_BURST: '0' }, ['ARKALIA_LIMITS_PROMPTS_BURST', '0', '1000000']],
    [{ ARKALIA_BREAKER_FAILURE_RATE: 'NaN' }, ['ARKALIA_BREAKER_FAILURE_RATE', 'NaN', '0', '1']],
    [{ ARKALIA_GUARD_MODE: 'enforced' }, ['ARKALIA_GUARD_MODE', 'enforced', 'enforce', 'observe']],
    [{ ARKALIA_ENGINES_ORDER: 'ollama,olama' }, ['ARKALIA_ENGINES_ORDER', 'olama', 'navigator']],
    [{ ARKALIA_BREAKER_CALLS_MIN: '30' }, ['ARKALIA_BREAKER_CALLS_MIN', '30', '20']],
    [{ ARKALIA_HTTP_TLS_CERT_FILE: 'cert.pem' }, ['ARKALIA_HTTP_TLS_CERT_FILE', 'http.tls_key_file']],
    [
      { ARKALIA_HTTP_CORS_ORIGINS: 'https://home.example/path' },
      ['https://home.example/path', 'without a path'],
    ],
    [{ ARKALIA_ENGINES_OPENAI_URL: 'ftp://model' }, ['ARKALIA_ENGINES_OPENAI_URL', 'ftp://model', 'http']],
    [{ ARKALIA_MODULES_ENABLED: 'zeroia,heloria' }, ['ARKALIA_MODULES_ENABLED', 'heloria', 'helloria']],
  ] as [Record<string, string>, string[]][])('%o', async (env, words) => {
    const refused = await serve({ env });
    expect(refused.code).toBe(2);
    for (const word of words) expect(refused.stderr).toContain(word);
    expect(refused.stderr).not.toMatch(/^\s+at /m);
    // Nothing was opened for a start that could not be.
    expect(await readdir(folder)).toEqual([]);
  });

  test('every problem of a file is listed at once, with its place', async () => {
    const text = '[http]\nprot = 8123\nhost = 1\n[guard]\nmode = 1\n';
    await writeFile(join(folder, 'arkalia.toml'), text);
    const refused = await serve();
    expect(refused.code).toBe(2);
    for (const word of [
      '3 problems',
      'http.prot',
      'http.host',
      'http.port',
      'guard.mode',
      'enforce',
      'arkalia.toml',
    ])
      expect(refused.stderr).toContain(word);
  });

  test('a file that is no TOML is named with line and column, one that is not there by name', async () => {
    await writeFile(join(folder, 'bad.toml'), '[http]\nport = = 1\n');
    const bad = await serve({ flags: ['--config', 'bad.toml'] });
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringMatching(/bad\.toml, line 2, column \d+/)]);
    const absent = await serve({ flags: ['--config', 'absent.toml'] });
    expect([absent.code, absent.stderr]).toEqual([2, expect.stringMatching(/absent\.toml.*no such file/)]);
  });

  test('control characters and secrets in what was given do not reach the terminal', async () => {
    const refused = await serve({
      env: { ARKALIA_GUARD_MODE: '\u001b[2Jx', ARKALIA_API_KEY_FILE: `ark_abcdefgh_${'k'.repeat(43)}` },
    });
    expect(refused.code).toBe(2);
    expect(refused.stderr).not.toContain('\u001b');
    expect(refused.stderr).not.toContain('kkkk');
  });

  test('flags that are wrong say so', async () => {
    for (const flags of [
      ['--port', '70000'],
      ['--port', 'x'],
      ['--prot', '1'],
    ]) {
      const refused = await serve({ flags });
      expect([refused.code, refused.stderr]).toEqual([
        2,
        expect.stringContaining(flags[0] === '--prot' ? '--port' : '65535'),
      ]);
    }
  });
});

test('flags stand over the environment, the environment over the file', async () => {
  const config = join(folder, 'mine.toml');
  await writeFile(config, '[guard]\nmode = "observe"\n[zeroia]\nact = true\nstreams_max = 5\n');
  const appliance = await TestAppliance.start({
    env: { ARKALIA_GUARD_MODE: 'enforce', ARKALIA_CORE_OFFLOAD: 'never' },
    flags: ['--config', config],
  });
  try {
    expect(await appliance.json('/status')).toMatchObject({
      guard: { mode: 'enforce' },
      core: { offload: 'never' },
    });
  } finally {
    await appliance.close();
  }
});

test('what the start prints to try works as it is printed, on any port', async () => {
  const appliance = await TestAppliance.start({ env: { ARKALIA_ZEROIA_ACT: 'false' } });
  try {
    while (!appliance.output.text.includes('Stop with Ctrl-C')) await once(appliance.process.stdout!, 'data');
    const line = /npm run arkalia -- (.*)$/m.exec(appliance.output.text)?.[1] ?? '';
    const words = [...line.matchAll(/"([^"]*)"|\S+/g)].map(([whole, quoted]) => quoted ?? whole);
    const answer = await cli(words, { cwd: folder });
    expect([line, answer.code, answer.stderr]).toEqual([
      line,
      0,
      expect.stringContaining('navigator (engine navigator)'),
    ]);
  } finally {
    await appliance.close();
  }
});

describe('TLS', () => {
  const certificate = (name = 'own') => {
    const [cert, key] = [join(folder, `${name}-cert.pem`), join(folder, `${name}-key.pem`)];
    const subject = ['-subj', '/CN=arkalia test', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
    const kind = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    // Where there is no openssl this throws ENOENT with its name: the test cannot be made and must not pass.
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
    return { cert, key };
  };

  test('with a certificate the server speaks https only, and knows its own origin', async () => {
    const { cert, key } = certificate();
    const appliance = await TestAppliance.start({
      env: { ARKALIA_HTTP_TLS_CERT_FILE: cert, ARKALIA_HTTP_TLS_KEY_FILE: key },
    });
    try {
      expect(appliance.url).toMatch(/^https:/);
      const ca = await readFile(cert);
      const ask = (headers: Record<string, string>) =>
        new Promise<number | undefined>((resolve, reject) => {
          getHttps(
            `${appliance.url}/status`,
            { ca, agent: false, servername: 'localhost', headers },
            (incoming) => {
              incoming.resume().on('end', () => resolve(incoming.statusCode));
            },
          ).on('error', reject);
        });
      expect(await ask({})).toBe(200);
      expect(await ask({ origin: appliance.url })).toBe(200);
      expect(await ask({ origin: appliance.url.replace('https', 'http') })).toBe(403);
      expect(await ask({ host: 'attacker.example' })).toBe(421);
      const plain = await new Promise<string>((resolve) => {
        getHttp(`${appliance.url.replace('https', 'http')}/health`, (incoming) =>
          resolve(`answered ${incoming.statusCode}`),
        ).on('error', () => resolve('no answer'));
      });
      expect(plain).toBe('no answer');
      expect(await ask({})).toBe(200);
    } finally {
      await appliance.close();
    }
  });

  test('a certificate that is none, or that another key made, stops the start', async () => {
    const { key: strangerKey } = certificate('stranger');
    const { cert, key } = certificate();
    const other = join(folder, 'other.pem');
    await writeFile(other, 'no certificate\n');
    for (const [certFile, keyFile] of [
      [other, key],
      [cert, other],
      [cert, strangerKey],
      [join(folder, 'absent.pem'), key],
    ] as const) {
      const refused = await serve({
        env: { ARKALIA_HTTP_TLS_CERT_FILE: certFile, ARKALIA_HTTP_TLS_KEY_FILE: keyFile },
      });
      expect(refused.code).toBe(1);
      for (const word of [certFile, keyFile, 'http.tls_cert_file', 'http.tls_key_file'])
        expect(refused.stderr).toContain(word);
      expect(refused.stdout).not.toContain('serves on');
    }
  });
});
