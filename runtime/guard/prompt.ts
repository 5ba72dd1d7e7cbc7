import { type GuardMode, type GuardReason, type GuardResult, guardModes } from '../contracts/guard.js';
import { Context } from './context.js';
import { normalise } from './normalise.js';
import { barredIds, compilePhrase, firstIds, type Phrase, partIds, reachOf } from './phrase.js';
import type { Finding, Rule, Scope, Severity } from './rule.js';
import type { View } from './view.js';
import { BREAK, Lexicon, UNKNOWN, type Words, wordsOf } from './words.js';

/** Findings of one rule that are looked at as quotations; each costs a reading of the text. Further ones count as meant. */
const WEIGHED_MAX = 16;

/** Of phrases that need no part but their first words. */
const NO_PART = -1;

interface RulePhrase {
  rule: number;
  severity: Severity;
  phrase: Phrase;
  /** Numbers of the parts that must stand in the text. */
  needs: number[];
}

/** What was found so far: for each rule its worst finding. */
class Findings {
  readonly #rules: readonly Rule[];
  readonly #worst: ({ severity: Severity; reason: GuardReason } | undefined)[];
  readonly #weighed: number[];
  readonly scope: Scope;

  constructor(rules: readonly Rule[], scope: Scope) {
    this.#rules = rules;
    this.scope = scope;
    this.#worst = rules.map(() => undefined);
    this.#weighed = rules.map(() => 0);
  }

  /** Whether a finding of that severity could still change what is said. */
  wants(rule: number, severity: Severity): boolean {
    const worst = this.#worst[rule];
    if (this.scope.mode === 'prompt' && this.#rules[rule]?.documentsOnly === true) return false;
    return worst === undefined || (severity === 'refuse' && worst.severity === 'flag');
  }

  mayWeigh(rule: number): boolean {
    const weighed = this.#weighed[rule] ?? 0;
    this.#weighed[rule] = weighed + 1;
    return weighed < WEIGHED_MAX;
  }

  add(index: number, severity: Severity, span: [number, number]): void {
    const rule = this.#rules[index];
    if (rule === undefined || !this.wants(index, severity)) return;
    this.#worst[index] = { severity, reason: { rule: rule.id, en: rule.en, fr: rule.fr, span } };
  }

  /** What refuses stands first. */
  result(): GuardResult {
    const found = this.#worst.filter((worst) => worst !== undefined);
    const refused = found.filter(({ severity }) => severity === 'refuse');
    const flagged = found.filter(({ severity }) => severity === 'flag');
    const verdict = refused.length > 0 ? 'refuse' : flagged.length > 0 ? 'flag' : 'allow';
    return { verdict, reasons: [...refused, ...flagged].map(({ reason }) => reason) };
  }
}

/** Judges prompts by rules. Compiles them once; judging is linear in the length of the text. */
export class PromptRules {
  readonly #rules: readonly Rule[];
  /** The rules that look at the text itself, in their order. */
  readonly #scanning: { index: number; scan: Rule['scan']; scanTyped: Rule['scanTyped'] }[];
  readonly #lexicon = new Lexicon();
  readonly #context: Context;
  readonly #barred: Uint8Array;
  /** For each mode the phrases by the id of their first word, those together that need the same part. */
  readonly #byFirst: Record<GuardMode, { part: number; phrases: RulePhrase[] }[][]> = {
    prompt: [],
    document: [],
  };
  /** The parts of phrases, numbered, and the numbers of those that a word is in, by its id. */
  readonly #parts = new Map<string, number>();
  readonly #partsOf: number[][] = [];
  /** For each part the view that it was last seen in. */
  #seen = new Uint32Array(0);
  #view = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.#scanning = rules
      .map(({ scan, scanTyped }, index) => ({ index, scan, scanTyped }))
      .filter(({ scan, scanTyped }) => scan !== undefined || scanTyped !== undefined);
    rules.forEach((rule, index) => {
      for (const text of rule.phrases ?? []) this.#compile(index, rule.severity, text);
      for (const text of rule.hints ?? []) this.#compile(index, 'flag', text);
    });
    this.#context = new Context(this.#lexicon);
    this.#barred = barredIds(this.#lexicon);
    this.#seen = new Uint32Array(this.#parts.size);
  }

  /** Whether a word matters to the rules. */
  readonly knows = (word: string): boolean => this.#lexicon.has(word);

  check(
    text: string,
    views: readonly View[] = normalise(text, { known: this.knows }),
    scope: Scope = { mode: 'prompt', tools: false },
  ): GuardResult {
    const findings = new Findings(this.#rules, scope);
    for (const { index, scanTyped } of this.#scanning) {
      for (const { from, to, severity } of scanTyped?.(text) ?? []) findings.add(index, severity, [from, to]);
    }
    for (const view of views) this.#checkView(view, findings);
    return findings.result();
  }

  #compile(rule: number, severity: Severity, text: string): void {
    const phrase = compilePhrase(text, this.#lexicon);
    const needs = phrase.needs.map((part) => this.#numberOf(part));
    const rarest = phrase.needs.reduce<string | undefined>(
      (least, part) =>
        least === undefined || part.split('|').length < least.split('|').length ? part : least,
      undefined,
    );
    const part = rarest === undefined ? NO_PART : this.#numberOf(rarest);
    const made = { rule, severity, phrase, needs };
    const modes = this.#rules[rule]?.documentsOnly === true ? (['document'] as const) : guardModes;
    for (const byFirst of modes.map((mode) => this.#byFirst[mode])) {
      for (const id of firstIds(phrase)) {
        byFirst[id] ??= [];
        const group = byFirst[id].find((one) => one.part === part);
        if (group === undefined) byFirst[id].push({ part, phrases: [made] });
        else group.phrases.push(made);
      }
    }
  }

  #numberOf(part: string): number {
    const known = this.#parts.get(part);
    if (known !== undefined) return known;
    const number = this.#parts.size;
    this.#parts.set(part, number);
    for (const id of partIds(part, this.#lexicon)) {
      this.#partsOf[id] ??= [];
      this.#partsOf[id].push(number);
    }
    return number;
  }

  /** Notes which parts of phrases have a word in a view; behind its last word stands the end of a sentence. */
  #look(words: Words): void {
    // After 2^32 views the numbers begin anew; what was seen then must not count.
    this.#view = (this.#view + 1) >>> 0;
    if (this.#view === 0) {
      this.#seen.fill(0);
      this.#view = 1;
    }
    for (const part of this.#partsOf[BREAK] ?? []) this.#seen[part] = this.#view;
    for (const id of words.ids) {
      const parts = id === UNKNOWN ? undefined : this.#partsOf[id];
      if (parts === undefined) continue;
      for (let at = 0; at < parts.length; at++) this.#seen[parts[at] ?? 0] = this.#view;
    }
  }

  #mayMatch({ needs }: RulePhrase): boolean {
    for (const part of needs) if (this.#seen[part] !== this.#view) return false;
    return true;
  }

  #checkView(view: View, findings: Findings): void {
    const words = wordsOf(view, this.#lexicon);
    this.#look(words);
    const byFirst = this.#byFirst[findings.scope.mode];
    const seen = this.#seen;
    const current = this.#view;
    for (let index = 0; index < words.ids.length; index++) {
      const id = words.ids[index] ?? BREAK;
      const groups = id === UNKNOWN ? undefined : byFirst[id];
      if (groups === undefined) continue;
      for (let at = 0; at < groups.length; at++) {
        const { part, phrases } = groups[at]!;
        if (part !== NO_PART && seen[part] !== current) continue;
        for (const candidate of phrases) this.#try(candidate, index, view, words, findings);
      }
    }
    for (const { index, scan } of this.#scanning) {
      if (scan === undefined || !findings.wants(index, 'refuse')) continue;
      for (const finding of scan(view, findings.scope)) {
        if (findings.wants(index, finding.severity)) this.#weigh(finding, index, view, words, findings);
      }
    }
  }

  /** Looks whether a phrase stands at a word. */
  #try(candidate: RulePhrase, index: number, view: View, words: Words, findings: Findings): void {
    const { rule, severity, phrase } = candidate;
    if (!this.#mayMatch(candidate) || !findings.wants(rule, severity)) return;
    const reached = reachOf(phrase, words, index, this.#barred);
    if (reached === 0) return;
    const last = Math.min(index + 31 - Math.clz32(reached & -reached), words.ids.length) - 1;
    const from = words.starts[index] ?? 0;
    const to = words.ends[Math.max(last, index)] ?? from + 1;
    this.#weigh({ from, to, severity }, rule, view, words, findings, index);
  }

  /** Adds a finding, one degree lower when it is talked about instead of meant. */
  #weigh(
    finding: Finding,
    rule: number,
    view: View,
    words: Words,
    findings: Findings,
    firstWord: number = words.starts.findIndex((start) => start >= finding.from),
  ): void {
    let { severity } = finding;
    if (this.#rules[rule]?.softens === true) {
      if (firstWord >= 0 && this.#context.reported(words, firstWord)) {
        // A weak sign that is only talked about is none.
        if (severity === 'flag') return;
        severity = 'flag';
      } else if (severity === 'refuse' && findings.mayWeigh(rule)) {
        if (this.#context.quoted(view.text, words, finding.to)) severity = 'flag';
      }
    }
    findings.add(rule, severity, view.span(finding.from, finding.to));
  }
}
