import { hash } from 'node:crypto';
import type { JsonObject } from '../contracts/json.js';
import { hashBytes } from './merkle/node-hash.js';

/** Longest leaf: what an entry of a C2SP tlog-tiles bundle may hold. */
export const leafBytesMax = 65_535;

/** Domain separation of leaves, RFC 6962 section 2.1. */
export const leafPrefix = 0x00;

/**
 * Writes the RFC 6962 leaf hash, SHA-256(0x00 ‖ leaf), to the start of `target`. `prefixed` starts with the 0x00. The digest travels as a
 * one-byte string, as that of a node does.
 */
export function writeLeafHash(prefixed: Uint8Array, target: Buffer): void {
  if (prefixed[0] !== leafPrefix) throw new RangeError('a leaf is hashed with 0x00 in front of it');
  target.write(hash('sha256', prefixed, 'binary'), 0, hashBytes, 'latin1');
}

/** RFC 6962 leaf hash of a leaf's bytes, in lower-case hex. */
export function leafHash(leaf: Uint8Array): string {
  const prefixed = new Uint8Array(leaf.byteLength + 1);
  prefixed[0] = leafPrefix;
  prefixed.set(leaf, 1);
  return hash('sha256', prefixed, 'hex');
}

/** What a leaf holds, as `encodeEvent` writes it. */
export interface Leaf {
  boot_id: string;
  correlation_id?: string;
  data: JsonObject;
  module: string;
  monotonic_ms: number;
  stream?: string;
  /** Commitments by name. */
  texts?: Record<string, string>;
  time_ms: number;
  type: string;
  /** Version of the data of its type. */
  v: number;
}
