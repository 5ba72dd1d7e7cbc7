import { cross, type Rule } from '../rule.js';

const VERB =
  'ignore|ignoring|ignores|disregard|disregarding|forget|forgetting|override|overriding|overrule|bypass|neglect|discard|erase|drop|skip|cancel|abandon|dismiss|overlook|void|unlearn|revoke|nullify|ingore';
const EARLIER =
  'previous|previously|prior|preceding|above|earlier|former|existing|initial|original|foregoing|past|aforementioned|system|before|default';
const NOUN =
  'instructions|instruction|directions|direction|directives|directive|guidelines|guideline|rules|rule|policies|policy|constraints|restrictions|prompts|prompt|programming|guardrails|safeguards|filters|filter|limitations|protocols|training|orders|commands|context|safety|ethics|moderation|system';
const FIRM =
  'instructions|instruction|directions|directives|directive|guidelines|rules|policies|restrictions|prompts|prompt|programming|guardrails|safeguards|orders|commands|constraints';
const YOUR = 'your|ur|you|thy';

const VERB_FR =
  'ignore|ignores|ignorez|ignorer|ignorons|oublie|oublies|oubliez|oublier|oublions|neglige|negligez|contourne|contournez|abandonne|abandonnez|annule|annulez|efface|effacez|delaisse|outrepasse|outrepassez|rejette|rejetez|enfreins|enfreignez|transgresse|desobeis|desobeissez|supprime|desactive|desactivez|remplace|remplacez';
const NOUN_FR =
  'instructions|instruction|consignes|consigne|directives|directive|regles|regle|ordres|restrictions|contraintes|limitations|limites|filtres|filtre|prompt|prompts|programmation|politique|contexte|protections|moderation|role|ethique';
const EARLIER_FR =
  'precedent|precedente|precedents|precedentes|anterieur|anterieure|anterieurs|anterieures|initial|initiale|initiales|initiaux|dessus|prealables|existantes|existants|recues|recus|originales|systeme|donnees';
const YOUR_FR = 'tes|vos|ton|votre|ta';
const NOT_FR = 'pas|plus|jamais|aucun|aucune|aucunement';
const HEED_FR =
  'respecte|respectes|respectez|suis|suivez|suivre|applique|appliquez|obeis|obeissez|ecoute|ecoutez|tiens|tenez|tenir|respecter';

/** Orders to drop the instructions the assistant was given. */
export const overrideInstructions: Rule = {
  id: 'override-instructions',
  severity: 'refuse',
  en: 'It asks the assistant to drop the instructions it was given.',
  fr: "Il demande à l'assistant d'abandonner les instructions qui lui ont été données.",
  softens: true,
  phrases: [
    ...cross(
      [
        VERB,
        'pay no|zero attention to|at',
        'do|must|should|will|shall|don not|t follow|obey|heed|respect|apply',
        'stop|quit|cease following|obeying|respecting|applying|using|to',
        'turn|look away|past from',
        'set aside',
        'throw away|out',
      ],
      [
        `..4 ${EARLIER} ..2 ${NOUN}`,
        `..3 ${YOUR} ..3 ${NOUN}`,
        `..2 all|any|every|everything|these|those of? the|these|those? ${FIRM} !for|about|on|from|regarding|that|which|in`,
        `..4 ${NOUN} ..3 above|before|previously|earlier|given`,
        `..3 ${NOUN} of|from|by your|the developer|developers|operator|creator|creators|maker|makers`,
        '..2 everything|anything|all|whatever|what ..3 above|before|previously|prior|preceding|earlier',
        '..2 everything|all that|which? you know|knew|learned|learnt|were|are|have',
        '..3 developer|developers|operator|operators|openai|creator|creators|anthropic ..2 instructions|rules|guidelines|policies|policy',
      ],
    ),
    `forget|disregard|ignore about? everything|all and|then|now|write|say|tell|just`,
    `forget|disregard|ignore about? everything|all <end>`,
    'disregard|ignore the? above|preceding|foregoing and|then|directions|instead|now',
    'ignore|disregard the user|summarization|summarisation|translation|task and|then',
    'ignore|disregard|forget the rest of ..3 and|then print|say|write|output|reveal|just|only',
    `ignore|disregard|forget instructions|directives|rules|guidelines and|then`,
    'change|update|modify|alter|rewrite your ..1 instructions|rules|programming|prompt|directives to',
    `${EARLIER} ..2 ${NOUN} ..2 are|is|were now? no? void|cancelled|canceled|invalid|obsolete|revoked|null|lifted|longer|overridden|disabled|superseded|suspended|over|outdated`,
    `${YOUR} ..2 ${NOUN} ..2 are|is|have been? now? no? void|cancelled|canceled|invalid|obsolete|revoked|null|lifted|longer|overridden|disabled|superseded|suspended`,
    `replace|swap|overwrite ..2 ${YOUR} ..3 ${NOUN} ..2 with|by|for`,
    ...cross(
      [
        VERB_FR,
        'passe|passez|passer outre',
        'fais|faites abstraction de|des',
        'arrete|arretez|cesse|cessez de|d suivre|respecter|obeir|appliquer|tenir|ecouter',
        `ne|n ..1 ${HEED_FR} ..1 ${NOT_FR}`,
        'tiens|tenez|tenir pas|plus compte',
      ],
      [
        `..4 ${NOUN_FR} ..3 ${EARLIER_FR}`,
        `..4 ${EARLIER_FR} ..1 ${NOUN_FR}`,
        `..4 ${YOUR_FR} ..1 ${NOUN_FR}`,
        `..2 tout|toutes|tous les|ces? ${NOUN_FR} !de|du|des|d|pour|sur|dans`,
        `..4 ${NOUN_FR} ..2 de|du ..2 securite|contenu|developpeur|operateur|createur|systeme|utilisation|openai`,
        '..2 tout ..1 ce qui|que precede|dessus|avant|je|on|tu',
        '..2 tout ..1 ce qui est avant|dessus|ecrit',
        '..1 tout et|puis|maintenant',
      ],
    ),
    `${NOUN_FR} ..2 ${EARLIER_FR} ..2 sont|est|ne ..2 annulees|annules|nulles|nuls|levees|levee|caduques|suspendues|desactivees|invalides|s|plus`,
    `${YOUR_FR} ${NOUN_FR} ..1 sont|est|ne ..2 annulees|annules|nulles|nuls|levees|levee|caduques|suspendues|desactivees|invalides|s|plus`,
    'tout ce qui precede ..1 etait|est faux|annule|nul',
    'ignore|ignorez l utilisateur et|puis|maintenant|transfere|affiche|donne|revele',
  ],
  hints: [
    `${VERB} ..1 my|our|his|her|their|its ..2 ${NOUN}`,
    `${VERB} ..1 all|any|the ..2 ${NOUN}`,
    `${VERB_FR} ..1 mes|nos|mon|ma|notre|leurs|ses ..1 ${NOUN_FR}`,
    `${VERB_FR} ..1 les|toutes|tous ..1 ${NOUN_FR}`,
    'ignore|disregard|forget ..2 all|every|everything? previous|prior|above|earlier text|requests|tasks|conversation|inputs|input|messages',
    'new instructions|task|rules|directives|orders',
    'nouvelles|nouvelle|nouveaux instructions|tache|consignes|regles|ordres|directives',
    'your|the new|real|true|actual task|instructions|role|purpose|rules|goal is|are',
  ],
};
