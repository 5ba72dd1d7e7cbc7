import { cross, type Rule } from '../rule.js';

const SHOW =
  'print|show|reveal|display|output|repeat|tell|give|share|copy|paste|leak|dump|expose|disclose|echo|return|list|recite|reproduce|summarize|summarise|translate|spell|encode|publish|read|state|provide|write|quote|describe|extract|log|post|send|type|rephrase|paraphrase';
const LEAK =
  'print|show|reveal|display|output|repeat|leak|dump|expose|disclose|echo|recite|reproduce|copy|paste|share|tell|give|extract|quote|return';
const SECRET =
  'system|initial|original|hidden|secret|internal|confidential|exact|full|entire|developer|first|complete|starting|base|core|own';
const NOUN =
  'prompt|prompts|instructions|instruction|directives|guidelines|preprompt|rules|message|configuration|policies|constraints|programming|directions';
const NOT_FOR = '!for|on|about|regarding|of|from|which|that|in|when|to|as';

const SHOW_FR =
  'affiche|affiches|affichez|montre|montres|montrez|revele|reveles|revelez|donne|donnes|donnez|imprime|imprimez|recopie|recopies|recopiez|copie|copiez|repete|repetes|repetez|ecris|ecrivez|recite|recitez|dis|dites|cite|citez|devoile|devoilez|divulgue|divulguez|partage|partagez|liste|listez|traduis|traduisez|resume|resumez|communique|expose|reproduis|fournis|encode|reecris|mets|transmets|envoie|colle|reformule|afficher|reveler|montrer|donner';
const SECRET_FR =
  'systeme|initial|initiale|initiales|initiaux|cache|cachee|cachees|caches|secret|secrete|secretes|secrets|interne|internes|complet|complete|completes|exact|exacte|exactes|confidentiel|confidentielles|original|originales|origine|depart';
const NOUN_FR =
  'prompt|preprompt|consignes|consigne|instructions|instruction|directives|regles|regle|message|configuration|programmation|invite';
const YOUR_FR = 'ton|votre|tes|vos|ta';

/** Requests for the text that the assistant was set up with. */
export const systemPromptExtraction: Rule = {
  id: 'system-prompt-extraction',
  severity: 'refuse',
  en: "It asks for the assistant's own instructions (its system prompt).",
  fr: "Il demande les instructions propres de l'assistant (son prompt système).",
  softens: true,
  phrases: [
    `${SHOW} ..4 your ..2 ${SECRET} ..1 ${NOUN}`,
    `${SHOW} ..4 your ..1 prompt|preprompt|instructions|directives|guidelines|programming ${NOT_FOR}`,
    `${SHOW} ..4 your rules verbatim|exactly|word|in|fully|please|<end>`,
    `${LEAK} ..2 the|all|any|its? ..1 system|hidden|secret|developer prompt|prompts|instructions|message|preprompt|rules|directives ${NOT_FOR}`,
    `${LEAK} ..2 the|all|any? initial|original prompt|instructions ..2 verbatim|given|above|exactly|word|<end>`,
    `${LEAK} ..2 the|all|any|its? systemprompt|preprompt`,
    'console log systemprompt|prompt',
    `${LEAK} system|initial|original|hidden|secret|initialization|initialisation prompt|instructions|message|string|configuration ${NOT_FOR}`,
    `what|whats|which s|is|are|was|were|does|did ..3 your ..1 ${SECRET} ..1 ${NOUN}`,
    'what|whats s|is|are|was|were your prompt|preprompt',
    `what|which ..1 ${SECRET}? ..1 instructions|prompt|rules|directives|guidelines ..2 were|have|did|was|are you|openai ..2 given|been|receive|told|follow|have|got|give`,
    `what instructions|directives|rules|guidelines you were|have given|been|received`,
    `every|all|the|any instructions|instruction|directives|rules|guidelines you have|were|ve been? given|received|got|told`,
    ...cross(
      ['repeat|copy|print|output|echo|recite|reproduce|paste|return|write|spell|translate|show|give|tell'],
      [
        '..3 everything|all|anything ..3 above|before|preceding|prior',
        '..2 words|text|lines|sentences|content|message|conversation|prompt|paragraph|document|stuff ..2 above|before|preceding ..4 this|that|verbatim|word|exactly|line|starting|beginning|but|in|as|again|here|<end>',
        '..2 entire|whole|full ..1 prompt|context ..2 verbatim|word|above|back|exactly|text|<end>',
        '..4 text|words|string|prompt you were|have ..1 given initially|first|originally|before|above|at',
        '..3 above|preceding|previous words|text|lines|instructions|instruction|prompt ..6 verbatim|exactly|letter|base64|rot13|replace|asterisks|starting',
        '..3 last|first|previous|prior instruction|instructions|directive ..1 you|verbatim|<end>',
      ],
    ),
    `${SHOW} ..3 your ..2 list of ..1 instructions|rules|directives`,
    'what is|was|were ..1 written|said|stated ..3 beginning|start|top of this|the|our prompt|conversation|context|chat',
    'begin|beginning|starting|start ..1 with you are ..6 repeat|print|output|above|everything',
    'repeat ..1 entire|whole|full conversation ..2 word|verbatim|exactly',
    `${SHOW_FR} ..4 ${YOUR_FR} ..2 ${NOUN_FR} ..1 ${SECRET_FR}`,
    `${SHOW_FR} ..4 ${YOUR_FR} ..1 prompt|preprompt|consignes|consigne|instructions|directives|programmation !pour|sur|a|au|de|du|concernant`,
    `${SHOW_FR} ..4 ${YOUR_FR} regles ..1 mot|en|exactes|sans|<end>`,
    `${SHOW_FR} ..3 le|l|les|la|du|des ..1 ${NOUN_FR} systeme|cache|cachees|cachee|secretes|secrete !pour|du|de|d|des`,
    `${SHOW_FR} ..3 le|l|les|la|un|une? prompt|preprompt <end>`,
    `${SHOW_FR} ..3 l|les|le instructions|consignes|prompt|message initial|initiale|initiales !pour|du|de|d|des`,
    `quel|quelle|quels|quelles|est|sont ..3 ${YOUR_FR} ..1 ${NOUN_FR} ..1 ${SECRET_FR}`,
    `quel|quoi|est ..1 ${YOUR_FR} prompt|preprompt`,
    `quelle|quelles|quel|quels ..1 regle|regles|consigne|consignes|instruction|instructions|directives ..4 t|as|vous|avez|tu ..3 donnee|donnees|recu|recue|recues|donne`,
    'recopie|recopies|recopiez|repete|repetez|copie|copiez|affiche|affichez|imprime|donne|donnez|ecris|montre|colle|recite ..3 tout|texte|message|mots ..2 qui|que|au|ci|avant ..1 precede|dessus|trouve|ecrit|ce',
    'recopie|repete|copie|imprime|affiche|donne|montre|ecris ..2 integralite|totalite|ensemble de|du ..2 contexte|prompt|instructions|consignes|message',
    'qu|que|quoi ..3 ecrit ..3 debut de|du ..2 conversation|prompt|contexte',
    'contenu exact|complet|integral de ton|votre premier|message|prompt',
  ],
  hints: [
    'what is|was written above <end>',
    `${SHOW} ..3 your ..1 rules|policies|constraints|configuration|context`,
    `what|whats s|is|are your rules|instructions|guidelines|directives`,
    `${SHOW_FR} ..3 ${YOUR_FR} regles|contexte|configuration`,
    `quelles|quels sont ${YOUR_FR} regles|instructions|consignes|directives`,
  ],
};
