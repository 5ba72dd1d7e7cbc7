import { describe, expect, it } from 'vitest';
import { PromptRules } from '../prompt.js';
import type { Rule } from '../rule.js';
import { rules } from './index.js';

export interface RuleCases {
  /** Attacks: this rule refuses them. */
  refused: readonly string[];
  /** Weak signs, and attacks that are only talked about: flagged by this rule, refused by none. */
  flagged: readonly string[];
  /** Harmless texts that keep the words of the attacks: no rule says anything. */
  harmless: readonly string[];
}

const all = new PromptRules(rules);

/** The contract of every rule: what it refuses, what it flags, and what no rule may touch. */
export function describeRule(rule: Rule, cases: RuleCases): void {
  const alone = new PromptRules([rule]);
  const scope = { mode: rule.documentsOnly === true ? 'document' : 'prompt', tools: false } as const;
  describe(rule.id, () => {
    it.each(cases.refused)('refuses %j', (text) => {
      const { verdict, reasons } = alone.check(text, undefined, scope);
      expect({ verdict, rules: reasons.map((reason) => reason.rule) }).toEqual({
        verdict: 'refuse',
        rules: [rule.id],
      });
      const [start, end] = reasons[0]?.span ?? [0, 0];
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeGreaterThan(start);
      expect(end).toBeLessThanOrEqual(text.length);
    });

    it.each(cases.flagged)('only flags %j', (text) => {
      expect(alone.check(text, undefined, scope).verdict).toBe('flag');
      expect(all.check(text, undefined, scope).verdict).toBe('flag');
    });

    it.each(cases.harmless)('lets pass %j', (text) => {
      expect(all.check(text, undefined, scope)).toEqual({ verdict: 'allow', reasons: [] });
    });

    it('is registered and explains itself in both languages', () => {
      expect(rules).toContain(rule);
      expect(rule.id).toMatch(/^[a-z]+(-[a-z]+)+$/);
      expect(rule.en).toMatch(/^It .*\.$/);
      expect(rule.fr).toMatch(/^Il .*\.$/);
    });
  });
}
