import type { Finding, Severity } from '../rule.js';

/** Every match of a pattern in a text as findings; the pattern has the g flag and matches no empty text. At most `countMax`. */
export function findAll(text: string, pattern: RegExp, severity: Severity, countMax = 8): Finding[] {
  const findings: Finding[] = [];
  // matchAll would copy the pattern for each text.
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    findings.push({ from: match.index, to: pattern.lastIndex, severity });
    if (findings.length === countMax) break;
  }
  return findings;
}
