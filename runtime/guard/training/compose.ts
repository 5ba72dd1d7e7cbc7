import { pick } from './random.js';
import type { Row } from './rows.js';

/** Copies of each task and of each role. */
const COPIES = 8;

/**
 * Harmless prompts made of our parts: tasks with constraints ("Write a haiku. Use no commas."), and roles to play with a manner
 * ("Act as a florist. Ask one question at a time."). Folded.
 */
export function composedPrompts(parts: readonly Row[], random: () => number): string[] {
  const texts: string[] = [];
  for (const { kind, lang, folded } of parts) {
    if (kind !== 'task' && kind !== 'role') continue;
    const of = (wanted: string) => parts.filter((part) => part.kind === wanted && part.lang === lang);
    const additions = of(kind === 'task' ? 'constraint' : 'manner');
    const frames = of('frame');
    for (let copy = 0; copy < COPIES; copy++) {
      const head = kind === 'task' ? folded : pick(frames, random).folded.replace('{role}', folded);
      const sentences = [head];
      for (let more = Math.floor(random() * 4); more > 0; more--)
        sentences.push(pick(additions, random).folded);
      if (kind === 'task' && random() < 0.3) sentences.reverse();
      texts.push(sentences.join(' '));
    }
  }
  return texts;
}
