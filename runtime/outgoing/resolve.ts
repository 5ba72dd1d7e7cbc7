import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { OutgoingError } from '../contracts/outgoing.js';
import { whyNotPublic } from './addresses.js';
import { bare, type HostList } from './hosts.js';

/** The addresses of a name, in the order in which they are to be tried. */
export type Resolver = (name: string) => Promise<string[]>;

/** The system's resolver. */
export const systemResolver: Resolver = async (name) =>
  (await lookup(name, { all: true, verbatim: true })).map(({ address }) => address);

export interface Destination {
  /** Without brackets. */
  host: string;
  port: number;
  scheme: 'http' | 'https';
}

/** Where a URL of http or https leads. */
export function destinationOf({ hostname, port, protocol }: URL): Destination {
  const scheme = protocol === 'https:' ? 'https' : 'http';
  return {
    host: bare(hostname),
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
    scheme,
  };
}

/**
 * The one address to connect to. The name is resolved once, and whoever connects uses this address and no name, so a second answer of
 * the resolver (DNS rebinding) is never asked for. The host must be listed. An address that is not public must be listed itself: that a
 * name is listed says nothing about where its owner lets it lead. One such address among several refuses the name.
 * @throws OutgoingError `not_listed`, `unresolved`, `private_address`.
 */
export async function addressFor(
  { host, port, scheme }: Destination,
  hosts: HostList,
  resolve: Resolver,
): Promise<string> {
  if (!hosts.has(host, port, scheme))
    throw new OutgoingError('not_listed', `${host}:${port} is not among the hosts that may be asked.`);
  return openAddressFor({ host, port, scheme }, hosts, resolve);
}

/**
 * The same for a host that need not be listed, since somebody who may do so named it: only an address that is not public must be.
 * @throws OutgoingError `unresolved`, `private_address`.
 */
export async function openAddressFor(
  { host, port, scheme }: Destination,
  hosts: HostList,
  resolve: Resolver,
): Promise<string> {
  const addresses = isIP(host) === 0 ? await resolved(host, resolve) : [host];
  const inside = addresses.find(
    (address) => whyNotPublic(address) !== undefined && !hosts.has(address, port, scheme),
  );
  if (inside !== undefined)
    throw new OutgoingError(
      'private_address',
      `${host} leads to an address that is not public (${whyNotPublic(inside)}) and is not listed itself.`,
    );
  return addresses[0] as string;
}

async function resolved(host: string, resolve: Resolver): Promise<string[]> {
  let addresses: string[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    throw new OutgoingError(
      'unresolved',
      `${host} has no address (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
  if (addresses.length === 0 || addresses.some((address) => isIP(address) === 0))
    throw new OutgoingError('unresolved', `${host} has no address.`);
  return addresses;
}

/** What the promise gives, or the signal's reason once it aborts: a resolver cannot be interrupted. */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
