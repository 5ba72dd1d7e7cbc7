import type { GuardReason } from '../contracts/guard.js';

/** Stands where something was taken out. */
const GAP = '[…]';

/** Characters that nobody sees: without width, bidirectional controls, tags, selectors in runs, and control characters but \t \n \r. */
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out.
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|[\u{e0100}-\u{e01ef}]/gu;

/** The text without the spans of the reasons, and without characters that nobody sees. Linear. */
export function sanitize(text: string, reasons: readonly GuardReason[]): string {
  const spans = reasons
    .map(({ span: [start, end] }) => ({ start, end: Math.min(end, text.length) }))
    .filter(({ start, end }) => start < end)
    .sort((a, b) => a.start - b.start);
  let out = '';
  let at = 0;
  for (const { start, end } of spans) {
    if (start > at || out === '') out += text.slice(at, start) + GAP;
    at = Math.max(at, end);
  }
  return (out + text.slice(at)).replace(unseen, '');
}
