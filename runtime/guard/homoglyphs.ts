/**
 * Characters that look like a Latin letter but that NFKD does not turn into one, folded to lower case.
 * Left: the look-alikes, right: the letter. A selection of the Unicode confusables (UTS 39) that attacks use.
 */
const groups: readonly (readonly [lookAlikes: string, letter: string])[] = [
  ['аɑαᴀДд', 'a'],
  ['вВвʙβВ', 'b'],
  ['сϲᴄсς', 'c'],
  ['ԁɗᴅ', 'd'],
  ['еҽεєᴇеЗз', 'e'],
  ['ғꜰƒ', 'f'],
  ['ɡɢԍ', 'g'],
  ['һнʜ', 'h'],
  ['іıɩιɪӏ', 'i'],
  ['јʝᴊϳ', 'j'],
  ['кκᴋ', 'k'],
  ['ʟłⅼ', 'l'],
  ['мᴍμ', 'm'],
  ['пηɴиո', 'n'],
  ['оοσᴏøօδ', 'o'],
  ['рρᴘ', 'p'],
  ['ԛզ', 'q'],
  ['гʀя', 'r'],
  ['ѕꜱʂ', 's'],
  ['тτᴛŧ', 't'],
  ['υᴜц', 'u'],
  ['ѵνᴠ', 'v'],
  ['ԝωᴡшѡ', 'w'],
  ['хχ', 'x'],
  ['уүγʏ', 'y'],
  ['ᴢʐ', 'z'],
  ['æ', 'ae'],
  ['œ', 'oe'],
  ['ß', 'ss'],
  ['đð', 'd'],
  ['“”„‟«»″〝〞＂', '"'],
  ['‘’‚‛′ʹʼ´｀', "'"],
  ['‐‑‒–—―−', '-'],
  ['⁄∕', '/'],
  ['∣ǀ｜│', '|'],
  ['▁', '_'],
];

const table = new Map<string, string>();
for (const [lookAlikes, letter] of groups) {
  for (const character of lookAlikes) table.set(character, letter);
}

/** Letters in boxes and circles that have no compatibility decomposition: first code point of each alphabet. */
const alphabets = [0x1f150, 0x1f170, 0x1f1e6] as const;

/** The Latin letter (or plain sign) that a lower-case character looks like; the character itself when none. */
export function foldLookAlike(character: string): string {
  const known = table.get(character);
  if (known !== undefined) return known;
  const codePoint = character.codePointAt(0) ?? 0;
  for (const first of alphabets) {
    if (codePoint >= first && codePoint < first + 26) return String.fromCharCode(97 + codePoint - first);
  }
  return character;
}
