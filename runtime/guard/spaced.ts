import { type View, ViewBuilder } from './view.js';

/** Fewest letters in a row that count as a word spelled out. */
const LETTERS_MIN = 4;

/**
 * Joins words that are spelled out with one sign between the letters ("i g n o r e", "i.g.n.o.r.e").
 * Between such words stands a wider space, or any space when the sign is not a space; when nothing stands
 * there the words come out glued, and the tokeniser splits them.
 * @returns undefined when nothing is spelled out.
 */
export function joinSpaced(view: View): View | undefined {
  const { text } = view;
  let builder: ViewBuilder | undefined;
  for (let index = 0; index < text.length; ) {
    const end = runEnd(text, index);
    if (end === index) {
      builder?.addCode(text.charCodeAt(index), view.start(index), view.end(index));
      index++;
      continue;
    }
    builder ??= copyOf(view, index);
    for (let at = index; at < end; at += 2) {
      builder.add(text.charAt(at), view.start(at), view.end(at));
      const wide = text.charAt(at + 1) === ' ' && view.end(at + 1) - view.start(at + 1) > 1;
      if (at + 1 < end && wide) builder.add(' ', ...view.span(at + 1, at + 2));
    }
    index = end;
  }
  return builder?.build('spaced');
}

/** A builder that holds the first `length` code units of a view. */
function copyOf(view: View, length: number): ViewBuilder {
  const builder = new ViewBuilder(view.text.length + 16);
  for (let index = 0; index < length; index++)
    builder.addCode(view.text.charCodeAt(index), view.start(index), view.end(index));
  return builder;
}

/** End of the spelled-out run that begins at `index`; `index` itself when none does. */
function runEnd(text: string, index: number): number {
  if (isLetter(text, index + 1) || !isLetter(text, index) || isLetter(text, index - 1)) return index;
  const sign = text.charAt(index + 1);
  if (sign === '' || sign === '\n' || sign === "'") return index;
  let at = index;
  while (text.charAt(at + 1) === sign && isLetter(text, at + 2) && !isLetter(text, at + 3)) at += 2;
  return (at - index) / 2 + 1 >= LETTERS_MIN ? at + 1 : index;
}

/** Letters, digits and the signs that stand for one. */
const letters = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(/[a-z0-9@$]/.test(String.fromCharCode(code))),
);

function isLetter(text: string, index: number): boolean {
  if (index < 0 || index >= text.length) return false;
  const code = text.charCodeAt(index);
  return code < 128 && letters[code] === 1;
}
