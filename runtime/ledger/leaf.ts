import { hash } from 'node:crypto';

/** Longest leaf: what an entry of a C2SP tlog-tiles bundle may hold. */
export const leafBytesMax = 65_535;

/** Domain separation of leaves, RFC 6962 section 2.1. */
export const leafPrefix = 0x00;

/** RFC 6962 leaf hash, SHA-256(0x00 ‖ leaf), in lower-case hex. `prefixed` starts with the 0x00. */
export function prefixedLeafHash(prefixed: Uint8Array): string {
  if (prefixed[0] !== leafPrefix) throw new RangeError('a leaf is hashed with 0x00 in front of it');
  return hash('sha256', prefixed, 'hex');
}

/** RFC 6962 leaf hash of a leaf's bytes, in lower-case hex. */
export function leafHash(leaf: Uint8Array): string {
  const prefixed = new Uint8Array(leaf.byteLength + 1);
  prefixed[0] = leafPrefix;
  prefixed.set(leaf, 1);
  return prefixedLeafHash(prefixed);
}
