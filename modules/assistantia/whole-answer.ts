import { AppError } from '../../runtime/contracts/errors.js';
import type { ToolCall } from '../../runtime/contracts/sandbox.js';
import type { Answer, AnswerEvent } from './question.js';

export interface WholeAnswer {
  text: string;
  calls: ToolCall[];
  answer: Answer;
}

/** An answer read to its end. */
export async function wholeAnswer(events: AsyncIterable<AnswerEvent>): Promise<WholeAnswer> {
  let text = '';
  const calls: ToolCall[] = [];
  for await (const event of events) {
    if (event.type === 'delta') text += event.text;
    else if (event.type === 'tool_call') calls.push(event.call);
    else if (event.type === 'done') return { text, calls, answer: event.answer };
  }
  throw new AppError('internal', 'The answer ended without an ending.');
}
