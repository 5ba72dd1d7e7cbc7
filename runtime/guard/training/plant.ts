import { pick } from './random.js';

/** A document with an attack in it, folded; the place of the attack in bytes of the text. */
export interface Planted {
  text: string;
  from: number;
  to: number;
}

/**
 * Puts an attack between two sentences of a document, or before or after all of them. Both are folded texts. The place is
 * chosen by `random`.
 */
export function plant(document: string, attack: string, random: () => number): Planted {
  const ends = [0, document.length];
  for (const match of document.matchAll(/[.!?;>|:]\s|\n/g)) ends.push(match.index + match[0].length);
  const at = pick(ends, random);
  const before = document.slice(0, at);
  const start = before === '' || /\s$/.test(before) ? before : `${before} `;
  const from = Buffer.byteLength(start);
  return {
    text: `${start}${attack} ${document.slice(at)}`,
    from,
    to: from + Buffer.byteLength(attack),
  };
}
