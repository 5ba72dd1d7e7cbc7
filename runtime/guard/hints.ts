/** For each ASCII character: 1 a letter, 2 a digit, "@" or "$", which can stand for one, 4 "!", "|" or "+". */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return (
    Number(/[a-z]/.test(character)) +
    2 * Number(/[0-9@$]/.test(character)) +
    4 * Number(/[!|+]/.test(character))
  );
});

/** Words of one letter in a row, with one sign between, from which on a text may spell words out. */
const SINGLES_MIN = 3;

/** What a folded text may have, so that what it cannot have is not looked for. */
export interface Hints {
  /** Letters with one sign between. */
  spelled: boolean;
  /** A letter beside a sign that stands for one. Behind a word "!", "|" and "+" are punctuation. */
  mixed: boolean;
}

/** Reads a folded text once. */
export function hintsOf(text: string): Hints {
  let spelled = false;
  let mixed = false;
  let before = 0;
  let length = 0;
  let singles = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const kind = code < 128 ? (kinds[code] ?? 0) : 0;
    if (kind === 1 || kind === 2) {
      if (kind !== before && before !== 0 && (kind === 1 || before === 1)) mixed = true;
      length++;
      if (singles >= SINGLES_MIN) spelled = true;
    } else {
      singles = length === 1 ? singles + 1 : 0;
      length = 0;
    }
    before = kind;
  }
  return { spelled, mixed };
}
