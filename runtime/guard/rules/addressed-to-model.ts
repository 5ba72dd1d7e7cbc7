import type { Rule } from '../rule.js';

const MODEL = 'ai|ais|llm|llms|chatbot|chatbots|assistant|assistants|gpt|chatgpt';
const READ =
  'reading|processing|parsing|summarizing|summarising|analyzing|analysing|reads|read|translating|viewing';
const MODEL_FR = 'ia|llm|chatbot|assistant|modele|gpt';

/** Text that speaks to whichever model reads it, as a document planted for that does. */
export const addressedToModel: Rule = {
  id: 'addressed-to-model',
  severity: 'refuse',
  en: 'It holds text that gives orders to any language model that reads it.',
  fr: 'Il contient un texte qui donne des ordres à tout modèle de langage qui le lit.',
  softens: true,
  phrases: [
    `if you are|re a|an|the ..2 ${MODEL} ..3 ${READ}`,
    `if you are|re a|an|the ..1 language model ..3 ${READ}`,
    `to any|all|every|the|whichever|whatever ..1 ${MODEL} ..2 ${READ}`,
    `to any|all|every|the|whichever|whatever ..1 language model|models ..2 ${READ}`,
    `note|message|instruction|instructions|attention|memo|important to|for|all any|all|the? ai|language|llm agents|model|models|assistants|assistant`,
    `note|message|instruction|instructions to|for the? ${MODEL} ..3 without|do|ignore|stop|send|reveal|print|say|instead|forget|when|don`,
    'ai|llm agents|assistants|models stop|ignore|must|do|forget|disregard|instead|send|reveal',
    'stop what you are|re doing and',
    `si tu|vous es|etes un|une|l ..1 ${MODEL_FR} ..3 qui|lisant ..1 lis|lit|lisez|traite|traites|resume|ceci`,
    'a tout|tous modele|modeles|les|ia|assistant ..6 lit|lisant|traite|traitant|avant|langage',
    `note|instruction|instructions|message|consigne|attention pour|a|au|aux l|le|la|les? ${MODEL_FR}`,
    'arrete|arretez ta|ton|votre tache|travail et|puis',
  ],
};
