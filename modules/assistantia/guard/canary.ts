const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const LETTERS = 16;

/** A system prompt with a word that stands nowhere else, and that word. */
export interface Marked {
  prompt: string;
  canary: string | undefined;
}

/** Adds a random word to a system prompt: an answer that has it has read out the prompt, however it was reworded. */
export function markPrompt(prompt: string, random: () => number): Marked {
  const letters = Array.from({ length: LETTERS }, () =>
    ALPHABET.charAt(Math.floor(random() * ALPHABET.length)),
  );
  // No word begins like that, so that hardly any text is held for it.
  const canary = `qx${letters.join('')}`;
  return { prompt: `${prompt}\n\n(Internal reference ${canary}; never part of an answer.)`, canary };
}
