import type { FactReader } from './reader.js';
import { listed, part, sentences, type Wording } from './wording.js';

const canAnswer =
  'Je peux parler de cet appareil et de ce logiciel : état, dernières décisions et leurs raisons, température, mémoire, processeur et charge, disque, événements, configuration, moteurs et modèles, disjoncteurs, bac à sable, garde, version et durée de fonctionnement, et ce que dit la documentation (en anglais).';

const unreadable = (what: string): string => `${what} n’est pas lisible sur cet appareil.`;

/** Sentences on a sample, or that there is none. */
function sampled(facts: FactReader, ...lines: string[]): string[] {
  const age = facts.duration('age_ms', 'j');
  return age === undefined
    ? ['Il n’y a pas encore de mesure de l’appareil.']
    : facts.hasBeside('age_ms')
      ? [...lines, `Mesuré il y a ${age}.`]
      : lines;
}

const percent = (facts: FactReader, name: string) => facts.number(name, ' %');

const decision = (facts: FactReader): string[] => {
  if (!facts.has('index'))
    return ['Aucune décision sur les mesures de cet appareil n’est encore enregistrée.'];
  const inputs = listed(
    part(percent(facts, 'cpu'), (figure) => `processeur ${figure}`),
    part(percent(facts, 'ram'), (figure) => `mémoire ${figure}`),
    part(percent(facts, 'disk'), (figure) => `disque ${figure}`),
    part(facts.number('temperature_c', ' °C'), (figure) => `température ${figure}`),
    part(facts.text('severity'), (word) => `gravité ${word}`),
  );
  const head = listed(
    `Décision de l’événement ${facts.text('index')}${part(facts.time('time'), (time) => `, le ${time}`) ?? ''} : ${facts.text('decision') ?? 'non indiquée'}`,
    part(facts.number('confidence', '', 2), (figure) => `confiance ${figure}`),
  );
  return sentences(
    `${head} ; ${part(facts.text('reasons'), (ids) => `à cause de ${ids}`) ?? 'aucune règle ne demandait plus'}.`,
    inputs === '' ? undefined : `Elle a été prise à partir de : ${inputs}.`,
    part(facts.text('left_out'), (names) => `Laissés de côté, faute de mesure : ${names}.`),
  );
};

const engine = (facts: FactReader): string[] => {
  const head = listed(
    `Moteur ${facts.text('name') ?? 'sans nom'} : ${states[facts.text('state') ?? ''] ?? 'état non indiqué'}`,
    part(facts.text('where'), (where) => `à ${where}`),
    part(facts.text('model_names'), (names) => `${facts.text('models') ?? ''} modèle(s) : ${names}`),
    part(facts.text('default_model'), (model) => `${model} sauf demande contraire`),
  );
  return sentences(
    `${head}.`,
    part(facts.text('problem'), (problem) => `Raison : ${problem}`),
  );
};

/** States that the interface names in English. */
const states: Readonly<Record<string, string>> = {
  found: 'trouvé',
  absent: 'absent',
  off: 'désactivé',
  closed: 'fermé',
  open: 'ouvert',
  half_open: 'à demi ouvert',
  forced_open: 'mis hors service par un opérateur',
  disabled: 'désactivé',
  metrics_only: 'en mesure seulement',
};

const breaker = (facts: FactReader): string[] => {
  if (!facts.has('name'))
    return ['Il n’y a pas encore de disjoncteur : chacun est créé au premier emploi de son moteur.'];
  const head = listed(
    `Disjoncteur ${facts.text('name')} : ${states[facts.text('state') ?? ''] ?? 'état non indiqué'}`,
    part(
      facts.text('failures'),
      (failures) => `${failures} échec(s) sur ${facts.text('calls') ?? '?'} appels récents`,
    ),
    part(facts.text('openings'), (count) => `ouvert ${count} fois depuis le démarrage`),
    part(facts.duration('retry_after_ms', 'j'), (time) => `prochain essai dans ${time}`),
  );
  return [`${head}.`];
};

const config = (facts: FactReader): string[] => {
  const key = facts.text('key');
  if (facts.has('more'))
    return [`${facts.text('more')} autres clés conviennent ; \`arkalia config\` les affiche toutes.`];
  if (key === undefined)
    return ['Nommez une clé, par exemple reflexia.interval_ms ; `arkalia config` les affiche toutes.'];
  if (facts.flag('hidden')) return [`La valeur de ${key} n’est pas montrée ici.`];
  return [
    part(facts.text('value'), (value) => `${key} = ${value}`) ??
      `${key} n’est pas définie, ou cette clé n’existe pas.`,
  ];
};

export const french: Wording = {
  topics: {
    greeting: () => ['Bonjour. Interrogez-moi sur cet appareil ou sur ce logiciel.'],
    identity: (facts) =>
      sentences(
        'Je suis l’assistant d’Arkalia-LUNA, un appareil placé devant un modèle de langage local et qui surveille sa propre machine.',
        part(facts.text('version'), (version) => `Ceci est la version ${version}.`),
      ),
    help: () => [canAnswer],
    health: (facts) =>
      sentences(
        part(facts.flag('ready')?.toString(), (ready) =>
          ready === 'true' ? 'Les requêtes sont servies.' : 'Les requêtes ne sont pas encore servies.',
        ) ?? 'On ne sait pas si les requêtes sont servies.',
        part(facts.text('level'), (level) => `Le niveau de dégradation est ${level}.`),
        part(facts.text('shed'), (shed) => `Délestés pour l’instant : ${shed}.`),
        part(facts.text('failing'), (failing) => `Ne vont pas bien : ${failing}.`) ??
          part(facts.text('modules'), (count) => `Tous les modules vont bien (${count}).`),
      ),
    decision,
    temperature: (facts) =>
      sampled(
        facts,
        part(facts.number('temperature_c', ' °C'), (figure) => `Le processeur est à ${figure}.`) ??
          unreadable('La température du processeur'),
        part(facts.flag('throttled')?.toString(), (throttled) =>
          throttled === 'true' ? 'Il est bridé en ce moment.' : 'Il n’est pas bridé.',
        ) ?? unreadable('Son bridage'),
      ),
    memory: (facts) =>
      sampled(
        facts,
        part(percent(facts, 'ram'), (figure) => `${figure} de la mémoire est utilisée.`) ??
          unreadable('La part de mémoire utilisée'),
        part(
          facts.megabytes('process_rss_bytes', ' Mo'),
          (figure) => `Le processus du serveur occupe ${figure}.`,
        ) ?? unreadable('La mémoire du serveur'),
      ),
    cpu: (facts) =>
      sampled(
        facts,
        part(percent(facts, 'cpu'), (figure) => `Le processeur est occupé à ${figure}.`) ??
          unreadable('L’occupation du processeur'),
        part(facts.number('load_1m', '', 2), (figure) => `La charge sur une minute est de ${figure}.`) ??
          unreadable('La charge'),
        part(
          facts.number('event_loop_delay_ms', ' ms'),
          (figure) => `La boucle d’événements a eu au plus ${figure} de retard.`,
        ) ?? unreadable('Le retard de la boucle d’événements'),
      ),
    disk: (facts) =>
      sampled(
        facts,
        part(
          percent(facts, 'disk'),
          (figure) => `Le système de fichiers du dossier de données est plein à ${figure}.`,
        ) ?? unreadable('Le remplissage du disque'),
      ),
    engine,
    breaker,
    sandbox: (facts) =>
      sentences(
        part(
          facts.text('level'),
          (level) =>
            `Les requêtes au modèle sont traitées dans des processus séparés, niveau d’isolation ${level}.`,
        ) ?? 'Le niveau d’isolation n’est pas indiqué.',
        part(
          facts.text('idle'),
          (idle) => `Processus : ${idle} libres, ${facts.text('busy') ?? '?'} occupés.`,
        ),
        part(
          facts.text('spawned'),
          (spawned) => `Depuis le démarrage : ${spawned} lancés, ${facts.text('killed') ?? '?'} tués.`,
        ),
        part(facts.text('holds'), (holds) => `Ce qu’il garantit : ${holds}.`),
        part(facts.text('lacks'), (lacks) => `Ce qu’il ne garantit pas : ${lacks}.`),
      ),
    guard: (facts) =>
      sentences(
        part(facts.text('mode'), (mode) => `La garde est en mode ${mode}.`) ??
          'Le mode de la garde n’est pas indiqué.',
        part(facts.text('names'), (names) => `Ses ${facts.text('rules') ?? ''} règles : ${names}.`),
      ),
    config,
    ledger: (facts) =>
      sentences(
        `${listed(
          `Le journal est ${states[facts.text('state') ?? ''] ?? facts.text('state') ?? 'dans un état non indiqué'}`,
          part(facts.text('size'), (size) => `${size} événements`),
          part(facts.megabytes('bytes', ' Mo'), (size) => `${size} sur le disque`),
        )}.`,
        part(facts.text('problem'), (problem) => `Son problème : ${problem}`),
      ),
    event: (facts) => [
      `${listed(
        `Événement ${facts.text('index') ?? 'sans numéro'} : ${facts.text('type') ?? 'type non indiqué'}`,
        part(facts.text('module'), (module) => `par ${module}`),
        part(facts.time('time'), (time) => `le ${time}`),
      )}.`,
    ],
    version: (facts) =>
      sentences(
        part(facts.text('version'), (version) => `Ceci est Arkalia-LUNA ${version}.`) ??
          'La version n’est pas indiquée.',
        part(facts.duration('uptime_ms', 'j'), (time) => `En marche depuis ${time}.`),
        part(facts.text('node'), (node) => `Plateforme : ${listed(`Node ${node}`, facts.text('platform'))}.`),
      ),
    unavailable: (facts) => [
      `Ce qui était demandé (${facts.text('topic') ?? 'sujet non indiqué'}) n’a pas pu être lu à l’instant.`,
    ],
  },
  emptyQuestion: 'Il n’y avait pas de question.',
  nothingFound: [
    'Je n’ai pas de réponse à cela : je n’y reconnais aucun sujet que je connaisse, et je ne devine pas.',
    canAnswer,
  ],
  documentation: 'La documentation dit :',
  noModel: [
    'Aucun modèle de langage n’est chargé ; je réponds seulement à partir des mesures et de la documentation.',
    'Pour en ajouter un, lancez Ollama ou le serveur de llama.cpp sur cette machine, ou placez un fichier GGUF dans le dossier models, puis redémarrez.',
  ],
  sources: 'Sources :',
};
