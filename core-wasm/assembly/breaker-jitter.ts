/**
 * A number in [0, 1) from a seed and the number of the transition that opened: the 32-bit finaliser of MurmurHash3 (Austin
 * Appleby, public domain) over seed + number × 0x9e3779b9, divided by 2^32.
 */
export function jitterOf(seed: u32, number: u32): f64 {
  let hash = seed + number * 0x9e3779b9;
  hash ^= hash >> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35;
  hash ^= hash >> 16;
  return f64(hash) / 4294967296;
}
