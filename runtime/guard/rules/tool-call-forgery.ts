import type { Finding, Rule } from '../rule.js';
import type { View } from '../view.js';
import { findAll } from './signs.js';

/** Tags and tokens by which models of Qwen, Hermes, Llama, Mistral and Anthropic call a tool or get its answer. On the folded text. */
const callTag =
  /<\/?(?:tool_call|tool_calls|tool_response|tool_result|tool_results|function_call|function_calls|function_results)>|<(?:invoke|function) ?(?:name ?)?= ?["']?[a-z_]|<\|(?:tool_call|tool_calls|python_tag|tool_response|tool_outputs)[a-z_]{0,12}\|>/g;

/** The same as JSON: common in documentation, so a flag only. */
const callJson =
  /"tool_calls" ?: ?\[|"function_call" ?: ?\{|"name" ?: ?"[a-z_.]{2,40}" ?, ?"(?:arguments|parameters|input)" ?: ?["{]/g;

/** The lines of an agent that thinks aloud: Yao et al., ReAct, 2022. */
const reactLines = /\baction ?: ?[a-z_]{2,40}[^a-z0-9_][^\n]{0,4}action input ?:/g;

/** An order to use something with the name of a function. */
const toolOrder =
  /\b(?:call|calls|invoke|run|execute|trigger|use|appelle|appelez|appeler|utilise|utilisez|utiliser|lance|lancez|execute|executez|rufe|llama|usa) (?:(?:the|la|le|l|tool|function|outil|fonction) ?['\u2019]?){0,3}[`"'*]{0,2}[a-z]{2,20}(?:_[a-z0-9]{1,20}){1,4}\b/g;
/** What makes of it an order to whoever answers: in the answer, before it, without asking. */
const aboutAnswer =
  /\b(?:before (?:you )?(?:repl|respond|answer|summar|continu|go)|after (?:you )?(?:read|summar)|without (?:asking|mention|approv|confirm|telling)|this summary|your (?:summary|answer|reply|response|notes)|the (?:whole |full |entire )?(?:conversation|chat)|the user's|as part of|ai (?:agent|assistant|coding)|coding agents?|assistants?\b|avant de (?:repondre|continuer|resumer)|sans (?:demander|mentionner|confirmer|prevenir)|ce resume|ta reponse|votre reponse|la conversation|agents? ia)/;
const NEAR = 200;

/** Calls of tools written by someone who is not the model, and orders to call one. */
export const toolCallForgery: Rule = {
  id: 'tool-call-forgery',
  severity: 'refuse',
  en: 'It forges the call of a tool or its answer, or orders one to be called.',
  fr: "Il contrefait l'appel d'un outil ou sa réponse, ou ordonne d'en appeler un.",
  softens: true,
  scan({ text }: View, { mode }) {
    // Each pattern is tried only where a sign of it stands: looking for a sign costs next to nothing.
    const findings = [
      ...(text.includes('<') ? findAll(text, callTag, 'refuse') : []),
      ...(text.includes('action') ? findAll(text, reactLines, 'refuse') : []),
      ...(text.includes('{') ? findAll(text, callJson, 'flag') : []),
    ];
    return mode === 'document' && text.includes('_') ? [...findings, ...orders(text)] : findings;
  },
};

function orders(text: string): Finding[] {
  return findAll(text, toolOrder, 'flag').map((finding) => {
    const near = text.slice(Math.max(0, finding.from - NEAR), finding.to + NEAR);
    return aboutAnswer.test(near) ? { ...finding, severity: 'refuse' } : finding;
  });
}
