import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeConfig } from './describe.js';
import { ConfigError } from './error.js';
import { loadConfig } from './load.js';
import { renderConfig } from './render.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'arkalia-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(text: string): string {
  const file = join(folder, 'some.toml');
  writeFileSync(file, text);
  return file;
}

function problemsOf(toml: string, env: Record<string, string> = {}): string[] {
  try {
    loadConfig({ file: fileOf(toml), env });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).problems.map(({ message }) => message);
  }
  return [];
}

describe('precedence', () => {
  it('takes flag over environment over file over default, and says so', () => {
    const file = fileOf(
      '[http]\nport = 1001\nhost = "127.0.0.2"\nkeep_alive_timeout_ms = 700\n[log]\nlevel = "warn"',
    );
    const { config, origins } = loadConfig({
      file,
      env: { ARKALIA_HTTP_PORT: '1002', ARKALIA_HTTP_HOST: '127.0.0.3', OTHER: 'x' },
      overrides: { 'http.port': 1003, data_dir: undefined },
    });
    expect(config.http).toMatchObject({ port: 1003, host: '127.0.0.3', keep_alive_timeout_ms: 700 });
    expect(config.log.level).toBe('warn');
    expect(origins).toMatchObject({
      'http.port': 'flag',
      'http.host': 'environment',
      'log.level': 'file',
      data_dir: 'default',
    });
  });

  it('takes a number or a word where a key allows both', () => {
    const slots = (env: Record<string, string>) => loadConfig({ env }).config.engines.openai.slots;
    expect([slots({}), slots({ ARKALIA_ENGINES_OPENAI_SLOTS: ' 4' })]).toEqual(['auto', 4]);
    expect(slots({ ARKALIA_ENGINES_OPENAI_SLOTS: 'auto' })).toBe('auto');
    for (const value of ['0', '1025', '1.5', 'many', '']) {
      expect(problemsOf('', { ARKALIA_ENGINES_OPENAI_SLOTS: value })).toEqual([
        expect.stringContaining('must be a whole number from 1 to 1024, or auto; the value given is'),
      ]);
    }
    expect(problemsOf('', { ARKALIA_ENGINES_EMBEDDED_SEQUENCES: 'auto' })[0]).not.toContain('or auto');
  });

  it('reads the file that ARKALIA_CONFIG names, and --config goes before it', () => {
    const file = fileOf('[http]\nport = 1001');
    expect(loadConfig({ env: { ARKALIA_CONFIG: file } }).config.http.port).toBe(1001);
    expect(loadConfig({ file, env: { ARKALIA_CONFIG: '/nonexistent' } }).file).toBe(file);
  });

  it('lets a good environment variable replace a bad value of the file', () => {
    const file = fileOf('[http]\nport = "many"');
    expect(loadConfig({ file, env: { ARKALIA_HTTP_PORT: '9' } }).config.http.port).toBe(9);
  });
});

describe('environment', () => {
  it('sets a key of every type', () => {
    const { config } = loadConfig({
      env: {
        ARKALIA_ENGINES_OPENAI_URL: 'http://127.0.0.1:1/base',
        ARKALIA_ENGINES_ORDER: ' navigator , ollama',
        ARKALIA_HTTP_CORS_ORIGINS: '',
        ARKALIA_BREAKER_FAILURE_RATE: '.25',
        ARKALIA_ENGINES_PROBE: 'false',
        ARKALIA_API_KEY_FILE: '/run/key',
        ARKALIA_TEST_LONG: '1',
      },
    });
    expect(config.engines.openai.url).toBe('http://127.0.0.1:1/base');
    expect(config.engines.order).toEqual(['navigator', 'ollama']);
    expect(config.http.cors_origins).toEqual([]);
    expect(config.breaker.failure_rate).toBe(0.25);
    expect(config.engines.probe).toBe(false);
    expect(config.api_key_file).toBe('/run/key');
  });

  it.each([
    ['ARKALIA_HTTP_PORT', '80 81', 'a whole number from 0 to 65535'],
    ['ARKALIA_HTTP_PORT', '', 'a whole number from 0 to 65535'],
    ['ARKALIA_HTTP_PORT', '0x50', 'a whole number from 0 to 65535'],
    ['ARKALIA_HTTP_PORT', '65536', 'a whole number from 0 to 65535'],
    ['ARKALIA_ENGINES_PROBE', 'yes', 'true or false'],
    ['ARKALIA_BREAKER_FAILURE_RATE', '1.01', 'a number from 0 to 1'],
    ['ARKALIA_BREAKER_FAILURE_RATE', 'NaN', 'a number from 0 to 1'],
    ['ARKALIA_GUARD_MODE', 'on', 'one of: enforce, observe, off'],
    ['ARKALIA_API_KEY_FILE', '', 'is empty'],
    ['ARKALIA_ENGINES_ORDER', 'navigator,', 'a list of: ollama, openai, embedded, navigator'],
  ])('refuses %s=%j and says what is allowed', (name, value, allowed) => {
    const [problem, ...others] = problemsOf('', { [name]: value });
    expect(problem).toContain(name);
    expect(problem).toContain(allowed);
    expect(others).toEqual([]);
  });

  it('names the nearest variable for an unknown one, and where a table belongs', () => {
    expect(problemsOf('', { ARKALIA_HTTP_PRT: '1' })).toEqual([
      'ARKALIA_HTTP_PRT: this variable is not known; the value given is "1". Nearest known variable: ARKALIA_HTTP_PORT.',
    ]);
    expect(problemsOf('', { ARKALIA_ALIASES: 'x' })[0]).toContain('only be set in the file');
  });
});

describe('file', () => {
  it('lists every problem at once, each with key, file, value and what is allowed', () => {
    const problems = problemsOf(
      '[http]\nprot = 1\nport = "x"\n[engines]\norder = ["olama"]\n[core]\nthreads = 1.5\n[guard]\nmode = 3',
      { ARKALIA_NOPE: '1' },
    );
    expect(problems).toHaveLength(6);
    expect(problems[0]).toMatch(
      /^http\.prot in .*some\.toml: .* given is 1\. Nearest known key: http\.port\.$/,
    );
    expect(problems.some((text) => text.includes('engines.order') && text.includes('["olama"]'))).toBe(true);
  });

  it('finds the key in another section', () => {
    expect(problemsOf('[ledger]\nport = 1')[0]).toContain('Nearest known key: http.port');
    expect(problemsOf('[htpt]\nport = 1')[0]).toContain('Nearest known key: http.');
  });

  it('refuses a section that is a value, and a value that is a section', () => {
    expect(problemsOf('http = 8000')[0]).toContain('must be a section, written [http]');
    expect(problemsOf('[http.port]\nx = 1')[0]).toContain('a whole number from 0 to 65535');
  });

  it('is not fooled by names of Object.prototype', () => {
    expect(problemsOf('constructor = 1\n[__proto__]\nport = 1')).toHaveLength(2);
  });

  it('says line and column of broken TOML and quotes nothing of it', () => {
    const [problem] = problemsOf('[http]\nport = = sk-secret');
    expect(problem).toMatch(/some\.toml, line 2, column \d+: /);
    expect(problem).not.toContain('sk-secret');
  });

  it('must exist when it is named', () => {
    const file = join(folder, 'absent.toml');
    expect(() => loadConfig({ file, env: {} })).toThrow(/absent\.toml": there is no such file/);
    expect(() => loadConfig({ env: { ARKALIA_CONFIG: file } })).toThrow(/ARKALIA_CONFIG: /);
  });
});

describe('secrets and hostile text', () => {
  it('masks secrets in every message', () => {
    const text = problemsOf(
      'password = "hunter2"\napi_key_file = "ark_ab_hunter2"\n[engines.openai]\napi_key = "hunter2"\nurl = "http://me:hunter2@host"',
      { ARKALIA_API_TOKEN: 'hunter2', ARKALIA_HTTP_PORT: 'sk-hunter2' },
    ).join('\n');
    expect(text).toContain('***');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('Nearest known key: engines.openai.api_key_file');
  });

  it('masks what stands behind the query of an address, which often is a key', () => {
    for (const address of ['http://h/v1?key=hunter2', 'https://h#hunter2', 'ws://h:1/a?b=c&t=hunter2']) {
      const text = problemsOf('', { ARKALIA_ENGINES_OPENAI_URL: address }).join('\n');
      expect(text).toContain('without user, query or fragment');
      expect(text).not.toContain('hunter2');
    }
    // What is no address is shown as it is, so that it can be found.
    expect(problemsOf('', { ARKALIA_HTTP_PORT: '80?0' })[0]).toContain('80?0');
  });

  it('escapes control characters', () => {
    expect(problemsOf('', { ARKALIA_HTTP_PORT: '\u001b[2J' })[0]).not.toContain('\u001b');
    expect(problemsOf('"\\u001b[2J" = 1')[0]).not.toContain('\u001b');
  });
});

describe('checks across keys', () => {
  it.each([
    ['[http]\ntls_key_file = "k"', 'needs http.tls_cert_file'],
    ['[http]\ntls_cert_file = "c"', 'needs http.tls_key_file'],
    ['[guard]\nweights_file = "w"', 'needs guard.weights_sha256'],
    [`[guard]\nweights_sha256 = "${'a'.repeat(64)}"`, 'needs guard.weights_file'],
    ['[guard]\nopinion_file = "m"', 'needs guard.opinion_sha256 and guard.opinion_tokenizer'],
    ['[breaker]\ncalls_min = 21', 'more than breaker.window_calls (20)'],
    ['[reflexia]\npower_idle_w = 5\npower_full_w = 4', 'less than reflexia.power_idle_w (5)'],
    ['[aliases]\narkalia = ["navigator"]', 'the name arkalia is taken'],
    ['[aliases]\nfast = ["olama/llama3"]', 'nearest: ollama'],
    ['[aliases]\nfast = ["ollama/"]', 'names no model after the slash'],
    ['[aliases]\nfast = []', 'at least one'],
    ['[aliases]\n"FAST" = ["ollama"]', 'lower-case'],
    ['[modules]\nenabled = ["zeroai"]', 'nearest: zeroia'],
    ['[modules]\nenabled = ["zeroia", "zeroia"]', 'listed twice'],
    ['[engines]\norder = ["ollama", "ollama"]', 'listed twice'],
    ['[http]\ncors_origins = ["https://a.example/"]', 'not a web origin'],
    ['[http]\ncors_origins = ["*"]', 'not a web origin'],
  ])('refuses %j', (toml, fault) => {
    const problems = problemsOf(toml);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(fault);
  });

  it('takes aliases with several links, models that contain slashes, and module paths', () => {
    const toml =
      '[aliases]\nfast = ["ollama/hf.co/a/b:q4", "navigator"]\n[modules]\nenabled = ["./mine/index.js"]\n[breaker]\ncalls_min = 20';
    expect(problemsOf(toml)).toEqual([]);
  });

  it('still checks across keys when another key is bad', () => {
    expect(problemsOf('[http]\nport = -1\ntls_key_file = "k"')).toHaveLength(2);
  });
});

it('derives one variable for every key but tables', () => {
  const variables = describeConfig().flatMap(({ variable }) => variable ?? []);
  expect(new Set(variables).size).toBe(variables.length);
  expect(variables).toContain('ARKALIA_ENGINES_EMBEDDED_MODEL_FILE');
  expect(describeConfig().length - variables.length).toBe(4);
});

it('prints a configuration that reads back as the same one', () => {
  const loaded = loadConfig({
    file: fileOf('[aliases]\nfast = ["ollama"]\n[http]\nport = 5\n[guard.routes]\n"/v1/x" = "off"'),
    env: {},
  });
  const text = renderConfig(loaded);
  expect(text).toContain('port = 5  # file');
  expect(loadConfig({ file: fileOf(text), env: {} }).config).toEqual(loaded.config);
});
