import { networkInterfaces } from 'node:os';

const REMEMBERED_MAX = 256;
const REFRESH_MS = 5000;

/** The name in a Host header or an authority, without the port, lower case; null when it is malformed. */
export function hostName(authority: string): string | null {
  const match = /^(\[[0-9a-f:.]+\]|[^:/?#@\\\s[\]]+)(?::\d{1,5})?$/i.exec(authority);
  return match ? match[1]!.toLowerCase().replace(/\.$/, '') : null;
}

export function isLoopbackName(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '[::1]' ||
    /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(name)
  );
}

/** Whether a socket's peer is this machine itself. */
export function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

function ownAddresses(): Set<string> {
  const names = new Set<string>();
  for (const list of Object.values(networkInterfaces())) {
    for (const { address, family } of list ?? []) {
      const plain = address.replace(/%.*$/, '').toLowerCase();
      names.add(family === 'IPv6' ? `[${plain}]` : plain);
    }
  }
  return names;
}

/**
 * Decides whether a Host header names this appliance: a loopback name, one of its own addresses, or a configured name. That
 * stops DNS rebinding, where a foreign page's own name resolves to us. Addresses are read again when an unknown one appears, at
 * most every 5 s, because a device may get its address late.
 */
export function createHostCheck(options: {
  allowedHosts: readonly string[];
  now: () => number;
  addresses?: () => Set<string>;
}): (host: string | undefined) => boolean {
  const { now, addresses = ownAddresses } = options;
  const allowed = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const remembered = new Map<string, boolean>();
  let own = addresses();
  let readAt = now();

  const decide = (host: string): boolean => {
    const name = hostName(host);
    if (name === null) return false;
    if (isLoopbackName(name) || allowed.has(name) || own.has(name)) return true;
    if (now() - readAt < REFRESH_MS) return false;
    own = addresses();
    readAt = now();
    remembered.clear();
    return own.has(name);
  };

  return (host) => {
    if (host === undefined) return false;
    const known = remembered.get(host);
    if (known === true) return true;
    const verdict = decide(host);
    if (verdict && remembered.size < REMEMBERED_MAX) remembered.set(host, true);
    return verdict;
  };
}
