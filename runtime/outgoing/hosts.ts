import { isIP } from 'node:net';

/** A host as URLs write it: `name`, `192.0.2.1`, `[2001:db8::1]`; with `:port` where it is not the scheme's own. */
const entryForm = /^(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::([1-9]\d{0,4}))?$/;

/** Whether a text can stand in a list of hosts. */
export function isHostEntry(entry: string): boolean {
  const [, host, port] = entryForm.exec(entry) ?? [];
  if (host === undefined || Number(port ?? 1) > 65_535) return false;
  const name = bare(host);
  // What a URL would read as another address, such as 0x7f.1, is no name.
  return URL.canParse(`http://${host}`) && bare(new URL(`http://${host}`).hostname) === name;
}

/** Without the brackets of IPv6 and the dot that ends a name. */
export function bare(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** Which hosts may be asked, and under which port. An entry without a port stands for 80 with http and 443 with https. */
export class HostList {
  readonly #entries: ReadonlySet<string>;

  /** @throws RangeError for an entry that is no host. */
  constructor(entries: readonly string[]) {
    const bad = entries.find((entry) => !isHostEntry(entry));
    if (bad !== undefined) throw new RangeError(`${bad} is no host, or host and port`);
    this.#entries = new Set(entries);
  }

  /** `host` without brackets. */
  has(host: string, port: number, scheme: 'http' | 'https'): boolean {
    const written = isIP(host) === 6 ? `[${host}]` : host;
    const usual = port === (scheme === 'https' ? 443 : 80);
    return this.#entries.has(`${written}:${port}`) || (usual && this.#entries.has(written));
  }
}
