import { cross, type Rule } from '../rule.js';

const SHOW =
  'print|show|reveal|display|output|tell|give|share|leak|dump|expose|disclose|echo|return|list|send|read|provide|write|copy|paste|email|exfiltrate|hand|whisper|recite|repeat|forward';
const SECRET =
  'password|passwords|passwd|credentials|credential|secrets|apikey|passphrase|token|tokens|env|environment';
const SHOW_FR =
  'affiche|affichez|montre|montrez|revele|revelez|donne|donnez|imprime|ecris|dis|dites|devoile|divulgue|partage|liste|listez|envoie|envoyez|transmets|communique|lis|fournis|copie|recopie|transfere|transferez|exfiltre|poste';
const SEND = 'send|forward|post|upload|transfer|exfiltrate|email|mail|submit|transmit|deliver|leak';
const DATA =
  'conversation|chat|history|credentials|secrets|keys|passwords|password|data|transcript|contacts|prompt|token|tokens|records|details|emails|files|documents|messages|information|env|cookies';
const SEND_FR = 'envoie|envoyez|transfere|transferez|transmets|poste|televerse|exfiltre|envoyer|transferer';
const DATA_FR =
  'conversation|historique|identifiants|secrets|cles|passe|donnees|contacts|prompt|jeton|jetons|courriels|mails|emails|fichiers|documents|messages|informations|cookies';

/** Requests for keys, passwords, the environment or other people's data, or to send them away. */
export const secretExfiltration: Rule = {
  id: 'secret-exfiltration',
  severity: 'refuse',
  en: "It asks for secrets of the appliance (keys, passwords, environment) or for other people's data.",
  fr: "Il demande des secrets de l'appareil (clés, mots de passe, environnement) ou les données d'autres personnes.",
  softens: true,
  phrases: [
    ...cross(
      [SHOW, 'what|whats is|are|s'],
      [
        `..3 your ..2 ${SECRET}`,
        '..3 your ..1 api|secret|private|access|encryption|signing|hidden|ssh key|keys|token|tokens|code',
        '..1 the|all|any|every secret|hidden|admin|administrator|root|master|stored|internal ..1 password|passwords|credentials|code|passphrase|passwd !manager|of|in|for|from',
        '..1 the secret|hidden|admin|administrator|root|master|stored|internal ..1 key|keys|token !of|in|for|from',
        '..3 password|secret|key|credentials you ..2 know|hold|keep|guard|protect|protecting|hiding|have|given|keeping',
      ],
    ),
    `${SHOW} ..3 content|contents|value|values of? ..2 your ..1 ${SECRET}|env`,
    `${SHOW} ..2 all|every ..1 secret|api|private keys|tokens|credentials|secrets !of|in|for|from`,
    `${SHOW} ..2 process env|environ <end>`,
    `${SHOW} ..6 etc passwd|shadow ..2 <end>|and|now`,
    `${SHOW} ..3 conversations|conversation|history|data|messages|chats|emails ..3 of|from ..2 other|another user|users|client|clients|person|people|customers`,
    `${SHOW} ..1 other users|user|people|clients ..1 ..1 conversations|history|data|messages|chats|emails|passwords`,
    `${SHOW} ..1 all|any|every|the confidential|classified|private documents|files|data|information|records !about|of|for`,
    `${SEND} ..2 the|all|any|every|user|users|s|private|whole|entire|full|this|it? ..3 ${DATA} ..3 to|at <url>|<email>`,
    `${SEND} ..4 user|users|system|stored|conversation|chat|secret|secrets|environment ..3 to <url>|<email>|attacker`,
    `${SEND} ..6 to ..2 attacker|attackers`,
    'call|invoke|run|use|trigger|execute ..2 delete|drop|wipe|destroy account|accounts|tool|database|user|users|files',
    'just|then|now|instead|and delete|wipe|erase all|every file|files|data|user|users|email|emails <end>',
    ...cross(
      [SHOW_FR, 'quel|quelle|quels|quelles ..1 est|sont'],
      [
        '!jamais|pas|plus ..3 ton|tes|vos|votre|ta ..1 mot|mots de passe',
        '!jamais|pas|plus ..3 ton|tes|vos|votre|ta ..1 cle|cles api|d|secrete|secretes|privee|privees',
        '!jamais|pas|plus ..3 ton|tes|vos|votre ..1 identifiants|secrets|secret|jeton|jetons|environnement',
        '!jamais|pas|plus ..3 tes|vos|ton variables|variable d environnement',
        '..2 le|les|l|la? mot|mots de passe secret|secrets|cache|administrateur|admin|maitre|root',
        '..2 le|la|les cle|code|cles cachee|secrete|secret|caches|cachees|secretes|cache !de|du|d',
        '..2 les identifiants administrateur|admin|root|secrets',
        '..3 secret|mot|cle|passe que tu ..3 proteges|gardes|caches|dois|connais|garder',
        '..4 secrets|cles|identifiants ..2 stockes|stockees|enregistres ..2 ta|ton|memoire',
      ],
    ),
    `${SHOW_FR} ..3 conversations|historique|donnees|messages|courriels|informations ..3 des|d|de autres|autre|tous ..1 utilisateurs|clients|personnes|utilisateur|client`,
    `${SHOW_FR} ..1 toutes|tous|les? les? documents|donnees|fichiers|informations confidentiels|confidentielles|classifies`,
    `${SHOW_FR} ..6 etc passwd`,
    `${SEND_FR} ..4 ${DATA_FR} ..6 a|vers|au|sur|l <url>|<email>|attaquant`,
    `${SEND_FR} ..4 ${DATA_FR} ..4 attaquant|pirate`,
    'puis|maintenant|et|place supprime|supprimez|efface tous|toutes les fichiers|donnees|comptes <end>',
  ],
  hints: [
    `${SHOW} ..2 the|all|any|every? api|secret|private|access key|keys|token|tokens`,
    `${SHOW} ..2 the|all|any|every? environment variables`,
    `${SHOW} ..2 the|all|any? passwords|credentials|secrets`,
    `${SHOW_FR} ..2 le|la|les|l|toutes? ..1 cle|cles|jeton api|d|secrete`,
    `${SHOW_FR} ..2 les|toutes|tous? variables d environnement`,
    `${SHOW_FR} ..2 le|les mot|mots de passe`,
    'grant me access',
    'accorde moi l acces',
  ],
};
