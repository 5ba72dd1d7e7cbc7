import { compilePhrase, firstIds, type Phrase, reachOf } from './phrase.js';
import { BREAK, type Lexicon, type Words } from './words.js';

/**
 * Openings after which the words of an attack are talked about instead of meant: how to, why, what does it mean,
 * he told me to, if someone, never. They end where the attack begins.
 */
const openings = [
  'how do|can|to|should|could|would|does|did|is ..5',
  'comment ..4',
  'why ..5',
  'pourquoi ..5',
  'what does|do|happens|would|did ..5',
  'que|quoi signifie|veut ..3',
  'que se passe ..5',
  'told|asked|ordered|tells|asks|wants me|us|him|her|them|people ..3',
  'dit|demande|ordonne de|d ..1',
  'such as|like ..1',
  'does|did ..3',
  'never|not|t|jamais ..1',
  'never|not ..9 or|nor',
  'jamais|pas ..9 ou|ni',
  'can|could|should|may|must i|we|one|he|she|they|users|people ..1',
  'puis|peut|dois|peux je|on ..1',
  'peut|pourquoi|puis t on|elle|il ..1',
  'if|when a|the|someone|users|attackers|people|an ..3',
  'si|quand un|une|quelqu|on|les|le ..3',
  'attackers|hackers|attaquants|pirates|attacks|attaques ..4',
  'i|he|she|they|we|je|il|elle|ils|on|who ..1',
  'expression|phrase ..1',
  'j|tu|il|elle|nous|vous|ils|elles|on ai|as|a|avons|avez|ont ..1',
];
const OPENING_REACH = 12;

/** A text with these words outside its quotation marks asks about what it quotes. */
const aboutWords =
  'mean means meaning meant signifie signifier veut explain explains explique expliquer why pourquoi detect detects detecter attack attacks attaque attaques injection injections phrase phrases expression exemple example examples define difference wording harmful dangerous dangereux danger recognise recognize reconnaitre filter filtre block bloquer called appelle what comment how';
/** These ask to translate or correct what they quote: only a quotation of one sentence is taken for one. */
const quotedTaskWords =
  'translate translated traduis traduire traduisez traduction grammar grammaire corrige orthographe spelling';
/** With one of these the quotation is meant to be followed. */
const actWords =
  'follow obey execute comply perform apply suis obeis execute applique appliquez suivez executez then puis do now maintenant pretend imagine';

const QUOTE_MAX = 240;
const TRANSLATED_MAX = 120;

/** The gaps of openings step over every word of the sentence. */
const onlyBreaks = new Uint8Array(BREAK + 1).fill(1, BREAK);

/** Tells whether what a rule found is talked about instead of meant. */
export class Context {
  readonly #openings = new Map<number, Phrase[]>();
  readonly #about: Set<number>;
  readonly #task: Set<number>;
  readonly #act: Set<number>;

  constructor(lexicon: Lexicon) {
    const ids = (words: string) => new Set(words.split(' ').map((word) => lexicon.add(word)));
    for (const text of openings) {
      const phrase = compilePhrase(text, lexicon);
      for (const id of firstIds(phrase)) {
        this.#openings.set(id, [...(this.#openings.get(id) ?? []), phrase]);
      }
    }
    this.#about = ids(aboutWords);
    this.#task = ids(quotedTaskWords);
    this.#act = ids(actWords);
  }

  /** Whether the words before the attack, in its sentence, ask or tell about it. */
  reported(words: Words, first: number): boolean {
    for (let from = first - 1; from >= Math.max(0, first - OPENING_REACH); from--) {
      const id = words.ids[from] ?? BREAK;
      if (id === BREAK) return false;
      for (const phrase of this.#openings.get(id) ?? []) {
        const reached = reachOf(phrase, words, from, onlyBreaks);
        if ((reached & (1 << (first - from))) !== 0) return true;
      }
    }
    return false;
  }

  /** Whether what ends before `to` in the view's text is a quotation in a text that asks about it. */
  quoted(text: string, words: Words, to: number): boolean {
    const quote = enclosingQuote(text, to);
    if (quote === undefined || quote.to - quote.from > QUOTE_MAX) return false;
    let about = false;
    let task = false;
    let oneSentence = true;
    for (let index = 0; index < words.ids.length; index++) {
      const id = words.ids[index] ?? BREAK;
      const start = words.starts[index] ?? 0;
      if (start >= quote.from && start < quote.to) {
        if (id === BREAK && start < quote.to - 1) oneSentence = false;
        continue;
      }
      if (this.#act.has(id)) return false;
      about ||= this.#about.has(id);
      task ||= this.#task.has(id);
    }
    return about || (task && oneSentence && quote.to - quote.from <= TRANSLATED_MAX);
  }
}

/** The inside of the quotation marks (", `, ') that the end of a span stands in. Marks pair up from the start. */
function enclosingQuote(text: string, to: number): { from: number; to: number } | undefined {
  for (const mark of ['"', '`', "'"]) {
    let open = -1;
    // Up to `to`: a finding that begins before the quotation and ends in it is quoted too.
    for (let index = 0; index < to; index++) {
      if (text.charAt(index) !== mark) continue;
      if (mark === "'" && isApostrophe(text, index)) continue;
      open = open < 0 ? index : -1;
    }
    if (open < 0) continue;
    for (let close = to; close < text.length; close++) {
      if (text.charAt(close) !== mark || (mark === "'" && isApostrophe(text, close))) continue;
      return { from: open + 1, to: close };
    }
  }
  return undefined;
}

function isApostrophe(text: string, index: number): boolean {
  return /[a-z0-9]/.test(text.charAt(index - 1)) && /[a-z0-9]/.test(text.charAt(index + 1));
}
