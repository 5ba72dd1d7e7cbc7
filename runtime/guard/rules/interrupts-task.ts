import type { Rule } from '../rule.js';

const TASK = 'task|question|request|query|assignment|prompt';
const TASK_FR = 'tache|question|demande|requete|mission|consigne';
const DO = 'solve|finish|complete|continue|do|answer|start';
const DO_FR =
  'resoudre|finir|terminer|continuer|faire|repondre|resolves|finisses|termines|continues|fini|termine|repondu|resolu';
const SETTER = 'i|we|he|she|they|user|you';
const MODEL = 'ai|assistant|model|agent|chatgpt|gpt|claude|gemini|llama|mistral|bot|chatbot|copilot';
const MODEL_FR = 'ia|assistant|modele|agent|chatgpt|gpt|claude|gemini|llama|mistral|bot|chatbot|copilot';

/** Text in a document that speaks of the task that the model is at, to put another in its place: authors of documents know of no task. */
export const interruptsTask: Rule = {
  id: 'interrupts-task',
  severity: 'refuse',
  en: 'It speaks of the task that the assistant is at, and puts another before it or in its place.',
  fr: "Il parle de la tâche en cours de l'assistant et en met une autre avant elle ou à sa place.",
  softens: true,
  documentsOnly: true,
  phrases: [
    `before you ..2 ${DO} ..1 the|your|my|that|this ..2 ${TASK} ..1 that? ..1 ${SETTER} gave|asked|assigned|set|sent|received|were`,
    `before|after you ..2 ${DO} ..2 the|your|my ..1 original|user|users|initial|actual|main s? ${TASK}`,
    `before|after|instead of? solving|finishing|completing|continuing|answering the|your|my? original|user|users|initial|actual|main s? ${TASK}`,
    `then|afterwards|after you? can|may|should|will? ..1 continue|proceed|return|resume|go ..3 original|user|users|initial|main|first s? ${TASK}`,
    `${TASK} ..1 that? i|we gave you ..8 first|instead|before|wait`,
    'do|perform|carry|complete|execute the? following ..2 first before ..1 continuing|answering|responding|proceeding|solving|anything',
    `message|instruction|instructions|notice|order|orders|request from ..6 to you ..2 ${MODEL}`,
    `message|instruction|instructions|notice|order|orders for|to you|the ${MODEL} from ..2 user|owner|developer|developers|administrator|operator`,
    `avant de|que ..3 ${DO_FR} ..3 ${TASK_FR} ..2 que|qu ..3 donnee|demandee|confiee|posee|donne|demande|confie`,
    `avant|apres de|d|avoir ..1 ${DO_FR} ..4 ${TASK_FR} ..3 initiale|principale|originale|origine|utilisateur|utilisatrice`,
    `tu|vous pourras|pourrez|peux|pouvez ..2 reprendre|continuer|poursuivre ..2 ${TASK_FR} ..3 initiale|principale|originale|origine|utilisateur|utilisatrice`,
    `message|instruction|instructions|consigne|avis|ordre de|du|d|des ..6 pour|a toi|vous ..2 ${MODEL_FR}`,
  ],
};
