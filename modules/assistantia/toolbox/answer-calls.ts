import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { PromptMessage, ToolCall } from '../../../runtime/contracts/sandbox.js';
import { markedDocument } from '../guard/parts.js';
import type { Screen } from '../guard/screen.js';
import type { AnswerEvent, Question } from '../question.js';
import { personTexts } from '../records.js';
import type { Toolbox } from './toolbox.js';

/** Most calls that are run of one round; the others are told so. */
const CALLS_MAX = 8;

export interface CallsToAnswer {
  question: Question;
  toolbox: Toolbox;
  said: string;
  calls: readonly ToolCall[];
  /** When the whole answer must be there, in monotonic time. */
  deadlineMs: number;
}

/**
 * Runs the tools that a model asked for, one after the other, judges and records each output, and gives the messages that follow: the
 * calls, and for each its output, marked off as a document. What the guard refuses of it does not reach the model.
 */
export async function* answerCalls(
  context: ModuleContext,
  screen: Screen,
  { question, toolbox, said, calls, deadlineMs }: CallsToAnswer,
): AsyncGenerator<AnswerEvent, PromptMessage[]> {
  const { clock, ledger } = context;
  const messages: PromptMessage[] = [{ role: 'assistant', content: said, toolCalls: [...calls] }];
  for (const [i, call] of calls.entries()) {
    const answers = { id: call.id, name: call.name };
    if (i >= CALLS_MAX) {
      messages.push({ role: 'tool', content: `Not run: at most ${CALLS_MAX} calls at a time.`, answers });
      continue;
    }
    const startedMs = clock.monotonicMs();
    const timeoutMs = Math.max(1, deadlineMs - startedMs);
    const { outcome, text, calls: left } = await toolbox.run(call, { signal: question.signal, timeoutMs });
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    const { rules, refused } = await screen.judgeOutput(question, text);
    await ledger.append({
      type: 'tool_ran',
      module: 'assistantia',
      correlationId: question.requestId,
      data: {
        tool: call.name,
        outcome,
        took_ms: tookMs,
        calls: left,
        output_chars: text.length,
        flagged: rules,
        withheld: refused,
      },
      texts: { arguments: call.arguments, output: text, ...personTexts(question) },
    });
    const content = refused
      ? `The output was withheld by the guard (${rules.join(', ')}).`
      : markedDocument({ name: call.name, text });
    messages.push({ role: 'tool', content, answers });
    yield { type: 'tool', name: call.name, outcome: refused ? 'withheld' : outcome, tookMs };
  }
  return messages;
}
