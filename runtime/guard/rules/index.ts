import type { Rule } from '../rule.js';
import { addressedToModel } from './addressed-to-model.js';
import { chatTemplate } from './chat-template.js';
import { codeInjection } from './code-injection.js';
import { hiddenText } from './hidden-text.js';
import { interruptsTask } from './interrupts-task.js';
import { markdownExfiltration } from './markdown-exfiltration.js';
import { overrideInstructions } from './override-instructions.js';
import { roleHijack } from './role-hijack.js';
import { secretExfiltration } from './secret-exfiltration.js';
import { systemPromptExtraction } from './system-prompt-extraction.js';
import { toolCallForgery } from './tool-call-forgery.js';

/** The rules for prompts, in the order of their reasons. */
export const rules: readonly Rule[] = [
  overrideInstructions,
  systemPromptExtraction,
  roleHijack,
  chatTemplate,
  hiddenText,
  markdownExfiltration,
  secretExfiltration,
  addressedToModel,
  interruptsTask,
  toolCallForgery,
  codeInjection,
];
