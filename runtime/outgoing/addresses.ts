import { BlockList, isIP } from 'node:net';

/** Ranges of IPv4 that are nobody's on the internet (IANA's registry of special-purpose addresses, RFC 6890), each with what it is. */
const special4: readonly [network: string, prefix: number, what: string][] = [
  ['0.0.0.0', 8, 'this host'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'shared by carriers'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'documentation'],
  ['192.88.99.0', 24, 'a relay'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'benchmarks'],
  ['198.51.100.0', 24, 'documentation'],
  ['203.0.113.0', 24, 'documentation'],
  ['224.0.0.0', 4, 'multicast'],
  ['240.0.0.0', 4, 'reserved'],
];

/** Inside 2000::/3, which alone is public: what carries IPv4 addresses (Teredo, 6to4), or is documentation. */
const special6: readonly [network: string, prefix: number, what: string][] = [
  ['2001::', 23, 'reserved'],
  ['2001:db8::', 32, 'documentation'],
  ['2002::', 16, 'a relay'],
  ['3fff::', 20, 'documentation'],
];

/** Names for what is most often met outside 2000::/3. */
const known6: readonly [network: string, prefix: number, what: string][] = [
  ['::1', 128, 'loopback'],
  ['::ffff:0:0', 96, 'IPv4 in another form'],
  ['64:ff9b::', 16, 'IPv4 in another form'],
  ['fc00::', 7, 'private'],
  ['fe80::', 10, 'link-local'],
  ['ff00::', 8, 'multicast'],
];

type Range = [list: BlockList, what: string];

const rangesOf = (table: typeof special4, family: 'ipv4' | 'ipv6'): Range[] =>
  table.map(([network, prefix, what]) => {
    const list = new BlockList();
    list.addSubnet(network, prefix, family);
    return [list, what];
  });

const ranges = {
  ipv4: rangesOf(special4, 'ipv4'),
  ipv6: rangesOf([...known6, ...special6], 'ipv6'),
};
const public6 = new BlockList();
public6.addSubnet('2000::', 3, 'ipv6');

/**
 * What makes an address other than one of the public internet, in a word or a few; undefined when it is public. Of IPv6 only 2000::/3
 * is, so that no form in which IPv4 hides gets through.
 * @throws RangeError for what is no address.
 */
export function whyNotPublic(address: string): string | undefined {
  const family = isIP(address);
  if (family === 0) throw new RangeError(`${address} is no IP address`);
  const type = family === 4 ? 'ipv4' : 'ipv6';
  const found = ranges[type].find(([list]) => list.check(address, type));
  if (found !== undefined) return found[1];
  return family === 6 && !public6.check(address, 'ipv6') ? 'reserved' : undefined;
}
