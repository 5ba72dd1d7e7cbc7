import type { Finding, Rule } from '../rule.js';
import { findAll } from './signs.js';

/** Tag characters that spell text; after a black flag (U+1F3F4) they are part of an emoji. */
const tagRun = /[\u{e0020}-\u{e007e}]{3,64}/gu;
/** Long runs of characters without width: letters written in bits, or variation selectors as bytes. */
const invisibleRun = /[\u200b-\u200f\u2060-\u2064\ufeff]{12,64}/gu;
const selectorRun = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{8,64}/gu;
/** An invisible character inside a Latin word. */
const splitWord = /[a-z][\u200b-\u200f\u2060-\u2064\ufeff\u00ad\u{e0000}-\u{e007f}]{1,8}[a-z]/giu;
const bidiControl = /[\u202a-\u202e\u2066-\u2069]/gu;

const SPLIT_WORDS_MIN = 3;
const BIDI_MANY = 8;

/** Text that a person does not see and a model reads. */
export const hiddenText: Rule = {
  id: 'hidden-text',
  severity: 'refuse',
  en: 'It hides text in characters that nobody sees.',
  fr: 'Il cache du texte dans des caractères que personne ne voit.',
  softens: false,
  // As typed: the folded readings have no invisible characters left.
  scanTyped(original: string) {
    if (!/[\u00ad-\uffff]/.test(original)) return [];
    const findings = findAll(original, tagRun, 'refuse').filter(
      (finding) => original.slice(finding.from - 2, finding.from) !== '\u{1f3f4}',
    );
    findings.push(...findAll(original, invisibleRun, 'refuse'), ...findAll(original, selectorRun, 'refuse'));
    const split = findAll(original, splitWord, 'flag');
    if (split.length >= SPLIT_WORDS_MIN) findings.push(...split.slice(0, 1));
    return [...findings, ...bidi(original)];
  },
};

/** Bidi controls belong to Hebrew and Arabic text; elsewhere a few are suspicious and many are a disguise. */
function bidi(original: string): Finding[] {
  const controls = findAll(original, bidiControl, 'flag', BIDI_MANY);
  const first = controls[0];
  const last = controls.at(-1);
  if (first === undefined || last === undefined) return [];
  if (/[\u0590-\u08ff]/.test(original)) return [];
  const many = controls.length >= BIDI_MANY;
  return [{ from: first.from, to: last.to, severity: many ? 'refuse' : 'flag' }];
}
