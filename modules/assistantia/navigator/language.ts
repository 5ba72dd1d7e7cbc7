import { commonWords, normalise } from './words.js';

/** Words about this appliance that are written in one way in each language; they decide when no common word does. */
const frenchSubjects =
  /\b(etat|sante|memoire|disque|processeur|charge|journal|evenements?|moteurs?|modeles?|disjoncteurs?|niveau|reglages?|parametres?|dernieres?|decisions? prises?|aide)\b/;

/** The language of a question, by its common words and accents; English when nothing tells. */
export function detectLanguage(question: string): 'en' | 'fr' {
  const plain = normalise(question);
  const words = plain.split(/[ ._]+/);
  const count = (known: Set<string>) => words.filter((word) => known.has(word)).length;
  const accents = /[àâçéèêëîïôûùüœ]/i.test(question.normalize('NFC')) ? 1 : 0;
  const french = count(commonWords.fr) + accents + (frenchSubjects.test(plain) ? 1 : 0);
  return french > count(commonWords.en) ? 'fr' : 'en';
}
