import type { Rule } from '../rule.js';
import type { View } from '../view.js';
import { findAll } from './signs.js';

/** Tokens of ChatML, Llama 2 to 4, Mistral, Gemma, Phi, DeepSeek and Command R templates, on the folded text. */
const anyToken =
  /<\|(?:im_start|im_end|im_sep|system|user|assistant|end|endoftext|begin_of_text|end_of_text|start_header_id|end_header_id|eot_id|eom_id|eot|header_start|header_end|python_tag|channel|message|start|return|call|start_of_turn_token|end_of_turn_token|system_token|user_token|chatbot_token|begin_of_sentence|end_of_sentence)\|>|(?<![a-z0-9])\[\/?(?:inst|system_prompt|available_tools|tool_calls|tool_results)\]|<{1,2}\/?sys>{1,2}|<\/?(?:start_of_turn|end_of_turn)>/g;

/** Tokens that open a system or assistant turn, or close the user's and open another: only a forger types them. */
const forgedTurn =
  /<\|im_start\|>\s?(?:system|assistant|developer)|<\|start_header_id\|>\s?(?:system|assistant)|<\|header_start\|>\s?(?:system|assistant)|<\|(?:system|assistant)\|>|<<sys>>|<start_of_turn>\s?(?:model|system)|\[system_prompt\]|\[\/inst\]|<\|(?:im_end|eot_id|end_of_turn_token)\|>\s?<\||<\|start\|>\s?(?:system|developer|assistant)|<\|system_token\|>|\[tool_results\]/g;

/** A system's message announced by signs that no heading has: `###(system_message)`, `[[SYSTEM MESSAGE]]`, `<<admin override>>`. */
const announced =
  /(?:[#=*-]{2,8} ?[([{<]{1,3}|[[{<]{2,3}) ?(?:system|systeme|admin|administrator|developer|operator)[_ -](?:message|prompt|override|instruction|instructions|command|directive)[_ ]?[)\]}>]{1,3}/g;

/** Who speaks in them: looked for first. */
const speaker = /system|admin|developer|operator/;

/** Headings that some templates use for turns; common enough in documents to be a flag only. */
const turnHeading =
  /#{2,4} ?(?:system|systeme|instruction|instructions|assistant|response) ?:|\[(?:system|systeme|admin)\]|<\/?(?:system|systeme|instructions)>/g;

/** Control tokens of chat templates: with them a text speaks in the system's or the assistant's name. */
export const chatTemplate: Rule = {
  id: 'chat-template-tokens',
  severity: 'refuse',
  en: "It carries a chat template's control tokens, which speak in the system's or the assistant's name.",
  fr: "Il contient des jetons de contrôle d'un gabarit de dialogue, qui parlent au nom du système ou de l'assistant.",
  softens: true,
  scan(view: View) {
    const { text } = view;
    if (!/[<[#]/.test(text)) return [];
    return [
      ...findAll(text, forgedTurn, 'refuse'),
      ...(speaker.test(text) ? findAll(text, announced, 'refuse') : []),
      ...findAll(text, anyToken, 'flag'),
      ...findAll(text, turnHeading, 'flag'),
    ];
  },
};
