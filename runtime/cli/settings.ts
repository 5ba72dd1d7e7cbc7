import { readFileSync } from 'node:fs';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { CliFailure } from './failure.js';
import type { CliIo } from './io.js';

/** Flags that verbs share. Values are text as typed. */
export interface ConfigFlags {
  config?: string;
  data?: string;
  host?: string;
  port?: string;
}

/** The configuration with this command line's flags in it. */
export function loadFromFlags(flags: ConfigFlags, io: CliIo): LoadedConfig {
  const { config: file, data, host, port } = flags;
  // Text that is no number goes on as it is: the schema refuses it and says what is allowed.
  const portValue = port !== undefined && /^\d{1,9}$/.test(port) ? Number(port) : port;
  return loadConfig({
    file,
    env: io.env,
    overrides: { data_dir: data, 'http.host': host, 'http.port': portValue },
  });
}

/** A server to talk to, and the key to show it. */
export interface Target {
  /** Without a final slash. */
  url: string;
  key?: string;
}

export interface TargetFlags extends ConfigFlags {
  url?: string;
  key?: string;
}

/**
 * The server that `--url` names, else the one of this machine's configuration. The key of api_key_file is shown to our own server
 * only, never to an address from the command line.
 */
export function findTarget(flags: TargetFlags, io: CliIo): Target {
  if (flags.url !== undefined) {
    if (!/^https?:\/\//.test(flags.url) || !URL.canParse(flags.url)) {
      throw new CliFailure(`--url must be an address such as http://127.0.0.1:8000, not ${flags.url}`, 2);
    }
    return withKey(flags.url.replace(/\/+$/, ''), flags.key);
  }
  const { config } = loadFromFlags(flags, io);
  return withKey(ownUrl(config), flags.key ?? ownKey(config));
}

function withKey(url: string, key: string | undefined): Target {
  return key === undefined ? { url } : { url, key };
}

/** Where this machine reaches the server that the configuration describes. */
function ownUrl({ http }: Config): string {
  if (http.port === 0) {
    throw new CliFailure('http.port is 0, so the server took a free port; name it with --url.', 2);
  }
  const scheme = http.tls_cert_file === undefined ? 'http' : 'https';
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
  const host = everywhere[http.host] ?? http.host;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${http.port}`;
}

function ownKey({ api_key_file: file }: Config): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown fault';
    throw new CliFailure(`api_key_file: ${file} cannot be read (${code}). Give a key with --key.`);
  }
}
