import type { Bytes } from './bytes.js';

const bundleWidth = 256;

/** Where the entry lies in C2SP tlog-tiles: the path below /ledger/tile/entries/, and its place in that bundle. */
export function entryPlace(index: number): { path: string; offset: number } {
  const number = Math.floor(index / bundleWidth);
  const offset = index % bundleWidth;
  const digits = String(number).padStart(Math.ceil(String(number).length / 3) * 3, '0');
  const groups = digits.match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  const width = offset + 1;
  return { path: width === bundleWidth ? path : `${path}.p/${width}`, offset };
}

/** Entry number `offset` of a bundle, whose entries stand behind their lengths in two bytes; null when the bundle is too short. */
export function entryOf(bundle: Bytes, offset: number): Bytes | null {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  let at = 0;
  for (let i = 0; at + 2 <= bundle.length; i++) {
    const length = view.getUint16(at);
    const end = at + 2 + length;
    if (end > bundle.length) return null;
    if (i === offset) return bundle.slice(at + 2, end);
    at = end;
  }
  return null;
}
