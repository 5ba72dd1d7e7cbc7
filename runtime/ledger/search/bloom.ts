/** With ten bits an item and seven of them set, one look in 120 says yes by chance. Bloom, 1970, doi:10.1145/362686.362692. */
const bitsPerItem = 10;
const bitsSet = 7;

/** A set that answers "certainly not" or "perhaps". */
export function bloomOf(items: ReadonlySet<string>): Buffer {
  const bytes = Buffer.alloc(Math.max(8, Math.ceil((items.size * bitsPerItem) / 8)));
  for (const item of items)
    visitBits(item, bytes, (byte, bit) => {
      bytes[byte]! |= bit;
      return true;
    });
  return bytes;
}

/** False only for an item that was not put in. */
export function mayHold(bloom: Uint8Array, item: string): boolean {
  return visitBits(item, bloom, (byte, bit) => (bloom[byte]! & bit) !== 0);
}

/** Two hashes stand for all: Kirsch and Mitzenmacher, 2006, doi:10.1007/11841036_42. Ends at the first `false`. */
function visitBits(
  item: string,
  { length }: Uint8Array,
  visit: (byte: number, bit: number) => boolean,
): boolean {
  const first = fnv1a(item);
  const second = mixed(first) | 1;
  for (let i = 0; i < bitsSet; i++) {
    const at = ((first + Math.imul(i, second)) >>> 0) % (length * 8);
    if (!visit(at >>> 3, 1 << (at & 7))) return false;
  }
  return true;
}

/** FNV-1a of 32 bits, over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** The finaliser of MurmurHash3. */
function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
