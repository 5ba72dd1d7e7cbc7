import { cross, type Rule } from '../rule.js';

const BE = 'you are|become|re|act|be|roleplay|pretend|simulate|play|impersonate|emulate|behave';
const PERSONA = 'dan|stan|jailbroken|evilbot|chaosgpt|evilgpt|freegpt|darkgpt|wormgpt|dudegpt|devgpt';
const LIMIT =
  'restrictions|restriction|filters|filter|rules|limits|limit|limitations|ethics|censorship|guidelines|morals|policies|policy|guardrails|boundaries|constraints|morality|laws|safeguards|safety|scruples|rule|tos|ethical|moral|disclaimers|refusals';
const WILD =
  'unfiltered|uncensored|unrestricted|amoral|unethical|immoral|unhinged|jailbroken|unbound|unlimited|evil|malicious|rogue|unaligned|lawless';
const MACHINE =
  'ai|assistant|chatbot|bot|model|gpt|chatgpt|llm|machine|persona|character|entity|version|agent|intelligence';
const MODE =
  'developer|dev|debugging|god|jailbreak|root|debug|maintenance|sudo|unrestricted|admin|unfiltered|dan|opposite|uncensored|override|unlocked|kernel';

const LIMIT_FR =
  'restriction|restrictions|filtre|filtres|regle|regles|limite|limites|limitation|limitations|ethique|censure|morale|contrainte|contraintes|politique|garde|tabou|tabous|moderation|securite';
const MACHINE_FR =
  'ia|assistant|chatbot|bot|robot|modele|machine|intelligence|gpt|personnage|version|console';
const MODE_FR =
  'developpeur|dieu|maintenance|debogage|admin|administrateur|root|jailbreak|libre|dan|debug|sudo|dev|dieux|deverrouille';

/** Attempts to make the assistant someone for whom no rules hold. */
export const roleHijack: Rule = {
  id: 'role-hijack',
  severity: 'refuse',
  en: 'It tries to give the assistant a role without rules (a jailbreak).',
  fr: "Il tente de donner à l'assistant un rôle sans règles (un débridage).",
  softens: true,
  phrases: [
    `${BE} ..4 ${PERSONA}`,
    'dan|stan|dude|mode|gpt|ai|you ..8 do anything now',
    'do anything now dan|mode|prompt',
    'strive to avoid norms',
    `can|will do|perform|say anything ..2 now|everything ..6 broken|rules|restrictions|openai|limits|confines|freed`,
    `broken|broke|freed|liberated free? of|from ..4 confines|chains|limits|restrictions|rules|shackles|bounds|ideals|norms|limitations|constraints|policies`,
    `you ..5 ${MODE} mode ..1 enabled|activated|on|now|<end>`,
    `${MODE} mode enabled|activated|engaged|output|unlocked`,
    `enter|entering|switch|go|boot|activate|enable|engage|start|initiate|turn to|into|in|on? a|the|your? ${MODE} mode !on|in|of|for|from`,
    `with ${MODE} mode enabled|activated|on`,
    `you re|are now? in ..1 ${MODE} mode`,
    ...cross(
      ['answer|respond|reply|act|speak|talk|write|generate|behave|operate|continue|explain'],
      [
        `..3 without ..2 any|no|ethical|moral|all|your|content|safety|the ..2 ${LIMIT}`,
        `..2 without ${LIMIT} !of|for|in|on`,
      ],
    ),
    `you|your ..1 have|has|had no|zero ..3 ${LIMIT}`,
    `pretend|imagine|suppose|assume|act|behave|if ..4 you|there ..1 have|are|were|had|re ..1 no|zero|without ..2 ${LIMIT}`,
    `you ..3 not|t|never|longer ..2 bound|restricted|limited|constrained|governed by|to ..5 ${LIMIT}`,
    `${MACHINE} ..4 without|no|ignores|ignore|ignoring|bypasses|lacks|zero ..2 ${LIMIT}`,
    `${MACHINE} ..2 free|freed|unbound from|of|by ..3 ${LIMIT}`,
    `${MACHINE} ..3 never|not refuses|refuse|declines`,
    `you|it|he|she|they|and ..2 never|not|cannot refuse|refuses|decline ..3 request|requests|anything|question|questions|answer|prompt|command|order`,
    `you can|do|must|should|will not|t|never|cannot refuse|decline|reject`,
    `you are|re|become|act|pretend|simulate|respond|answer|play|be|roleplay ..5 ${WILD} ..2 ${MACHINE}`,
    `${WILD} ${MACHINE} ..6 answers|says|responds|anything|everything|no|never|any`,
    `as ..4 ${WILD} ${MACHINE}`,
    `one|first|a|both|another|second ..3 normal|filtered|standard|classic|censored|regular|default ..7 ${WILD}`,
    `one|first|twice|both ..6 as ..3 ${WILD}|dan|without|no`,
    `as ..2 without ${LIMIT}`,
    `with no ${LIMIT} <end>`,
    'classic|normal jailbreak',
    ...cross(
      ['does|do|did|need|needs|have|has|having|will|must|can|should|is|are|it|you'],
      [
        `not|t|never|longer|no ..3 abide|follow|adhere|comply|care|respect|obey|bound|limited|restricted ..6 openai|content|ethical|moral|usual|typical ..4 ${LIMIT}`,
        'not|t|never|longer|no ..2 abide|adhere|comply|bound ..3 rules|policies|guidelines|restrictions|laws|ethics|restrictions',
      ],
    ),
    `not|no|free|ignore|bypass|ignores|break|breaks|break|regardless|against|without ..5 openai ..3 ${LIMIT}`,
    `unaffected|unrestricted|unbound by ..3 ${LIMIT}`,
    `disable|turn|switch|remove|deactivate|lift off? ..2 your ..2 ${LIMIT}`,
    `your ..2 ${LIMIT} ..2 are|is|have|has ..2 lifted|disabled|removed|off|deactivated|suspended`,
    'safety|security|moderation|filters is|are now? disabled|off|deactivated',
    'i am|m your|the creator|developer|programmer|maker|owner|admin|administrator ..2 i|so|and order|command|authorize|authorise|give|demand',
    'this is your|the creator|developer|programmer|maker <end>',
    'i am|m an|from? openai|anthropic employee|engineer|developer|staff',
    'late|dead|deceased|my grandma|grandmother ..6 tell|read|whisper|recite|used ..10 napalm|password|keys|secret|bomb|malware|weapon|key',
    'you are|will|must going|about? to? no longer ..4 chatgpt|assistant|ai|gpt|helpful',
    'never say sorry|no',
    ...cross(
      ['from now on', 'going forward', 'starting now', 'for the rest of ..3', 'from this moment ..2'],
      [
        `..8 no|never|not|without ..2 ${LIMIT}|refuse|decline`,
        `..6 ${PERSONA}`,
        '..7 answer|answers everything|anything',
        `..7 break|ignore|defy ..2 ${LIMIT}`,
        '..8 limited|bound|restricted to|by ..5 rules|policies|guidelines',
      ],
    ),
    `${PERSONA} is|has|can|will ..6 no|not|never|any|free ..4 ${LIMIT}`,
    'you are|re|become ..6 can do|say|answer anything|everything',
    'start|begin your answer|reply|response|message with ..6 no|not|never|t|without ..2 refuse|warning|warnings|sorry|disclaimer|disclaimers',
    'i am|m ..4 i order|command you',
    'this is ..5 i order|command you',
    ...cross(
      [
        'tu|vous es|etes|seras|deviens|agis|joues|incarnes|reponds|comportes',
        'comme',
        'es|deviens|incarne|joue|agis|simule|sois|role|rester|reste',
        'pretends|pretend|semblant|imagine|suppose',
      ],
      [
        `..6 ${PERSONA}`,
        `..7 sans ..1 aucune|aucun|la|ni|de|d? ${LIMIT_FR}`,
        `..5 ${MACHINE_FR} ..3 malefique|malveillante|malveillant|debridee|debride|libre`,
        `..6 ${MACHINE_FR} ..2 qui ..2 tout|refuse|jamais|rien`,
        `..6 ne|n ..1 refuse|refuses|refusera|refusez`,
      ],
    ),
    `tu|vous|il|elle|qui|que|si n|ne ..2 as|a|ai|avez|avais|aviez|aies|possede|respecte|connais|suis|respectes ..2 pas|plus|aucun|aucune ..2 ${LIMIT_FR} !de|du|des|d`,
    `imagine|suppose|comme|semblant|pretends ..6 aucun|aucune|pas ..1 ${LIMIT_FR}`,
    `reponds|repond|repondez|parle|parlez|agis|continue|ecris|explique|repondre ..6 sans ..2 aucune|aucun|toute? ${LIMIT_FR} !de|du|des|d`,
    `reponds|repondez|parle|agis ..2 sans ..1 aucune|aucun|toute? filtre|restriction|restrictions|censure|limite|limites|ethique|tabou|morale`,
    `${MACHINE_FR} ..1 sans|depourvue|depourvu|libre ..1 aucune|aucun|la|de|d|ni|toute? ..1 ${LIMIT_FR}`,
    `passe|passez|entre|entrez|active|activez|bascule|basculez|lance|demarre en|dans|le|un|ton|a? ..1 mode ..1 ${MODE_FR} !de|du|d|sur|dans|des`,
    'mode sans restriction|restrictions|filtre|censure|limite|limites',
    `mode ${MODE_FR} active|actif|enclenche`,
    `desactive|desactivez|supprime|supprimez|leve|levez|coupe|retire|debranche ..1 ton|ta|tes|vos|votre|toutes|la? tes|vos? ..1 ${LIMIT_FR}|protections|moderation !de|du|sur|pour|en`,
    'la|les securite|filtres|moderation|protections est|sont coupee|coupes|desactivee|desactives|levee|levees',
    'peut|peux|peuvent tout faire ..6 sans|aucune|aucun|limite|libre|openai|maintenant',
    'tu peux tout dire|faire|repondre',
    ...cross(
      ['a partir de maintenant', 'desormais', 'dorenavant', 'pour la suite', 'jusqu a la fin'],
      [
        `..8 ne|n ..3 refuses|refuse|refusez|refuseras`,
        `..8 aucun|aucune|sans ..1 ${LIMIT_FR}`,
        '..7 reponds|repondras|repondez a tout',
        `..6 ${PERSONA}`,
      ],
    ),
    'je suis|c|est ..6 je t|vous ordonne',
    'libre|liberee|libere de ..2 toute|toutes|tes|chaines|politique|regle|regles|contrainte|contraintes|politique',
    'reponse|reponses|fois|une ..4 normale|normal|classique|normalement ..8 jailbreak|libre|censure|filtre|restriction|debridee',
    'tu n es plus ..2 chatgpt|assistant|une|un',
    'je suis|est|c ton|le|votre createur|developpeur|programmeur|concepteur ..1 et|je|donne|revele',
    'c est ton|votre developpeur|createur',
    'ignore|desobeis|n|ne ..4 politique d utilisation',
  ],
  hints: [
    'from now on you|your',
    'you are now !ready|able|connected|logged|in',
    'you are going|about to pretend|act|become|be|roleplay|immerse',
    'stay|remain in character',
    'a partir de maintenant tu|vous',
    'tu es|seras maintenant|desormais',
    'desormais tu|vous',
    `${MODE} mode`,
    `mode ${MODE_FR}`,
    `${WILD} ${MACHINE}`,
    'i am|m your creator|developer|programmer|admin|administrator',
    'je suis ton|l|votre administrateur|createur|developpeur',
  ],
};
