import type { Finding, Rule } from '../rule.js';
import type { View } from '../view.js';
import { findAll } from './signs.js';

/** Code that reaches the machine, its secrets or its network. On the folded text. */
const reaching =
  /os\.(?:system|popen|remove|environ)\b|subprocess\.(?:run|popen|call|check_output)\b|__import__ ?\(|child_process|process\.env\b|shutil\.rmtree|open\( ?["'](?:\/etc\/|\.env|~\/\.ssh)|\/etc\/(?:passwd|shadow)\b|\brm -[rf]{1,3} |\b(?:curl|wget) [^\n|]{1,120}\| ?(?:ba)?sh\b|169\.254\.169\.254|;? ?drop (?:table|database) [a-z_]|\bunion (?:all )?select\b|\binvoke-expression\b|\bnc -e |\bchmod (?:777|\+s)\b|\{\{ ?(?:7 ?\* ?7|config|self)\b|<script\b|javascript:|onerror ?=/g;

/** One of these stands in whatever `reaching` finds. */
const sign =
  /os\.|subproc|__impo|child_p|process\.env|shutil|open\(|\/etc\/|rm -|curl |wget |169\.254|drop |union |invoke-ex|nc -e|chmod|\{\{|<script|javascript:|onerror/;

/** An order to run it with a tool, or here. */
const runOrder =
  /\b(?:run|execute|eval|evaluate|exec|interpret|launch|invoke|use (?:the|your) [a-z]{2,12} tool|execute[rz]?|executez|lance[rz]?|evalue[rz]?|interprete[rz]?)\b[^.?!\n]{0,60}\b(?:this|the following|following|code|command|script|snippet|query|with|in your|on your|tool|ce|cette|le code|la commande|outil|ton|ta|votre)\b/;
const NEAR = 160;

/** Orders to run code that harms, for a model that has tools. Without tools, code is only code: a flag. */
export const codeInjection: Rule = {
  id: 'code-injection',
  severity: 'refuse',
  en: 'It orders code to be run that reaches the machine, its files or its secrets.',
  fr: "Il ordonne d'exécuter du code qui atteint la machine, ses fichiers ou ses secrets.",
  softens: true,
  scan({ text }: View, { tools }) {
    if (!sign.test(text)) return [];
    return findAll(text, reaching, 'flag').flatMap((finding): Finding[] => {
      const start = Math.max(0, finding.from - NEAR);
      const order = runOrder.exec(text.slice(start, finding.from));
      if (order === null) return [];
      // From the order on: so it is seen when somebody only asks how to do it.
      return [{ from: start + order.index, to: finding.to, severity: tools ? 'refuse' : 'flag' }];
    });
  },
};
