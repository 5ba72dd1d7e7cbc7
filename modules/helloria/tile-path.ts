export interface TilePath {
  number: number;
  /** 1 to 256; 256 is a full tile. */
  width: number;
}

const fullWidth = 256;
/** Groups of three digits; more would be beyond 2^53 entries. */
const groupsMax = 5;

/**
 * Reads `<N>[.p/<W>]` of C2SP tlog-tiles: N in groups of three digits, all but the last with an x in front, without a group too many; W
 * from 1 to 255 without leading zeros. Each tile has exactly one path; null for everything else.
 */
export function parseTilePath(path: string): TilePath | null {
  const match = /^((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path);
  if (match === null) return null;
  const groups = [...match[1]!.matchAll(/\d{3}/g)].map(([digits]) => digits);
  if (groups.length >= groupsMax || groups[0] === '000') return null;
  const width = match[3] === undefined ? fullWidth : Number(match[3]);
  if (match[3] !== undefined && width >= fullWidth) return null;
  return { number: Number(groups.join('') + match[2]), width };
}
