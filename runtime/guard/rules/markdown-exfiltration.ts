import { cross, type Rule } from '../rule.js';
import type { View } from '../view.js';
import { findAll } from './signs.js';

/** An image or link, in Markdown or HTML, to an address whose query has a place to fill in. On the folded text. */
const filledAddress =
  /(?:\]\(|src ?= ?["']?|href ?= ?["']?|\]: ?)(?:https?:)?\/\/[^\s)"'?]{1,200}\?[^\s)"'{[<$]{0,100}(?:\{|\[|<|\$\{|%7b|\$[a-z]|data\b(?!:image)|secret|history|prompt|conversation|here\b)/g;

/** An image from another host, wherever it leads. */
const foreignImage =
  /!\[[^\]\n]{0,120}\]\( ?https?:\/\/[^\s)?]{1,200}\?[^\s)]|<img [^>]{0,120}src ?= ?["']?https?:\/\/[^\s"'>?]{1,200}\?/g;

const MAKE =
  'render|display|show|output|insert|include|add|embed|generate|create|return|append|write|print|load|fetch|open|visit|end|put|make|respond|reply';
const IMAGE = 'image|img|picture|pixel|link|url|markdown|iframe|hyperlink|address';
const DATA =
  'conversation|history|data|secret|secrets|prompt|key|keys|password|passwords|token|credentials|message|messages|chat|name|email|emails|input|document|context';
const FILL =
  'append|appended|appending|encode|encoded|encoding|replace|replacing|insert|inserting|include|including|containing|with|put|fill|substitute|query|parameter|parameters|where';
const MAKE_FR =
  'affiche|affichez|insere|inserez|ajoute|ajoutez|integre|cree|genere|ecris|charge|ouvre|visite|termine|mets|rends|inclus|reponds';
const IMAGE_FR = 'image|img|pixel|lien|url|markdown|adresse|iframe';
const DATA_FR =
  'conversation|historique|donnees|secret|secrets|prompt|cle|cles|passe|jeton|identifiants|message|messages|question|nom|contexte|document';
const FILL_FR =
  'ajoute|ajoutant|encode|encodee|encodees|encodant|remplace|remplacant|insere|inserant|contenant|avec|parametre|parametres|mets|requete|ou';

/** Requests for an image or a link that carries data to another host as soon as it is shown. */
export const markdownExfiltration: Rule = {
  id: 'markdown-exfiltration',
  severity: 'refuse',
  en: 'It asks for an image or a link that carries data to another host.',
  fr: 'Il demande une image ou un lien qui emporte des données vers un autre hôte.',
  softens: true,
  phrases: [
    ...cross(
      [`${MAKE} ..4 ${IMAGE}`],
      [
        `..6 <url> ..6 ${FILL} ..6 ${DATA}`,
        `..6 ${FILL} ..5 ${DATA} ..5 <url>`,
        `..4 ${FILL} ..4 ${DATA} ..4 query|parameter|parameters|url|base64`,
        `..5 <url> ..5 ${DATA} ..3 query|parameter|parameters|base64|encoded`,
      ],
    ),
    `${FILL} ..4 ${DATA} ..4 query|parameter|parameters ..4 ${IMAGE}|<url>`,
    `${FILL} ..4 ${DATA} ..4 to|in|into|as ..3 <url>`,
    ...cross(
      [`${MAKE_FR} ..4 ${IMAGE_FR}`],
      [
        `..6 <url> ..6 ${FILL_FR} ..6 ${DATA_FR}`,
        `..6 ${FILL_FR} ..5 ${DATA_FR} ..5 <url>`,
        `..4 ${FILL_FR} ..4 ${DATA_FR} ..4 requete|parametre|parametres|url|base64`,
        `..5 <url> ..5 ${DATA_FR} ..3 requete|parametre|parametres|base64`,
      ],
    ),
    `${FILL_FR} ..4 ${DATA_FR} ..4 a|dans|en ..4 requete|parametre|parametres ..4 ${IMAGE_FR}|<url>`,
    `${FILL_FR} ..4 ${DATA_FR} ..4 a|dans|en|sur ..3 <url>`,
  ],
  scan(view: View) {
    if (!view.text.includes('//')) return [];
    return [...findAll(view.text, filledAddress, 'refuse'), ...findAll(view.text, foreignImage, 'flag')];
  },
};
