import type { Finding, Severity } from '../rule.js';

/** Every match of a pattern in a text as findings; the pattern has the g flag. At most `countMax`. */
export function findAll(text: string, pattern: RegExp, severity: Severity, countMax = 8): Finding[] {
  const findings: Finding[] = [];
  for (const match of text.matchAll(pattern)) {
    findings.push({ from: match.index, to: match.index + match[0].length, severity });
    if (findings.length === countMax) break;
  }
  return findings;
}
