import type { PromptTool } from '../../../runtime/contracts/sandbox.js';

export interface ToolOutput {
  /** `ok`, or a stable word for what went wrong. */
  outcome: string;
  /** What the model is to read; nobody's word. */
  text: string;
  /** Calls that left the sandbox. */
  calls: number;
}

/** A tool that the appliance runs itself. */
export interface Tool {
  /** What the model is told. */
  offer: PromptTool;
  /** What goes wrong inside becomes an output. @throws only when the appliance is stopping. */
  run(args: unknown, options: { signal: AbortSignal; timeoutMs: number }): Promise<ToolOutput>;
}

/** Passages of the documentation for some words. */
export type Passages = (words: string) => { source: string; title: string; text: string }[];
