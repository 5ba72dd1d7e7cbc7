import { createHash } from 'node:crypto';

/** What may be logged of a text that we did not write. */
export interface TextDescription {
  /** UTF-16 code units. */
  length: number;
  /** First 16 hex digits of the SHA-256 of its UTF-8 bytes: tells equal texts apart from others, no more. */
  sha256: string;
}

/** Describes a text for the log by length and hash, never by its words. */
export function describeText(text: string): TextDescription {
  return { length: text.length, sha256: createHash('sha256').update(text).digest('hex').slice(0, 16) };
}

// C0 and C1 controls, DEL, soft hyphen, bidirectional controls, zero-width characters but the joiner that emoji need, line and
// paragraph separators, interlinear and tag characters, byte order mark.
const unsafe =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose.
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/**
 * Text that we did not write, made harmless for a terminal: every control character (C0, ESC, C1), bidirectional control and invisible
 * format character is shown as `\x1b` or `\u{202e}`. With `lines`, newline and tab are kept.
 */
export function printable(text: string, options: { lines?: boolean } = {}): string {
  return text.replace(unsafe, (character) => {
    if (options.lines === true && (character === '\n' || character === '\t')) return character;
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}
