/** Word stems, English and French without accents, that name what a decision weighs. */
const stems = [
  ['cpu', 'processor', 'processeur', 'core', 'coeur'],
  ['ram', 'memory', 'memoire', 'swap'],
  ['disk', 'disque', 'storage', 'stockage', 'card', 'carte'],
  [
    'temperature',
    'thermal',
    'thermique',
    'heat',
    'hot',
    'chaud',
    'fan',
    'ventilateur',
    'throttl',
    'surchauffe',
  ],
  ['error', 'erreur', 'fail', 'echec', 'crash', 'panne', 'exception'],
  ['latency', 'latence', 'slow', 'lent', 'timeout', 'delay', 'delai'],
  ['load', 'charge', 'queue', 'file', 'request', 'requete', 'traffic', 'trafic'],
  ['restart', 'redemarr', 'reboot', 'shutdown', 'arret', 'stop'],
  ['power', 'voltage', 'tension', 'alimentation', 'battery', 'batterie', 'undervoltage'],
  ['network', 'reseau', 'disconnect', 'offline', 'deconnect'],
] as const;

const SATURATION = 3;
const WORDS_MAX = 1000;

/**
 * How much a context says about what the decision weighs: the share, up to 3, of distinct subjects (processor, memory, heat, …)
 * that it names, from 0 to 1. Deterministic, linear in the text.
 */
export function contextRelevance(context: string): number {
  const words = context
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .split(/[^a-z]+/, WORDS_MAX);
  const named = stems.filter((subject) =>
    words.some((word) => subject.some((stem) => word.startsWith(stem))),
  );
  return Math.min(1, named.length / SATURATION);
}
