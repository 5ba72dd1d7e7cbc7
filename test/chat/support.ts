import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { wipesWhole } from '../../sandbox/wipes-whole.js';
import { TestAppliance } from '../support/appliance.js';
import type { ScriptedUpstream } from '../support/scripted-upstream.js';

/** Worker processes of an appliance beyond `sandbox.workers`. */
export const spareWorkers = wipesWhole ? 0 : 1;

/** How busy the machine is that runs the tests must shed nothing; and a test may send more prompts than a person. */
const calm = {
  ARKALIA_ZEROIA_ACT: 'false',
  ARKALIA_LIMITS_PROMPTS_BURST: '10000',
  ARKALIA_GUARD_REPEATS_PER_MINUTE: '0',
  ARKALIA_HTTP_SHUTDOWN_TIMEOUT_MS: '500',
};

/** A breaker that never has enough calls to open. */
export const noBreaker = { ARKALIA_BREAKER_WINDOW_CALLS: '1024', ARKALIA_BREAKER_CALLS_MIN: '1024' };

export function startAppliance(
  env: Record<string, string> = {},
  flags: string[] = [],
  dataDir?: string,
): Promise<TestAppliance> {
  return TestAppliance.start({ env: { ...calm, ...env }, flags, dataDir });
}

/** What the engine was sent last, without the system's message. */
export function lastConversation({ prompts }: ScriptedUpstream): string[] {
  const { messages } = JSON.parse(prompts.at(-1)!.body) as { messages: { role: string; content: string }[] };
  return messages.filter(({ role }) => role !== 'system').map(({ content }) => content);
}

/** Asks until the answer is right; the test's own time limit bounds it. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await pause(20);
  }
}

export interface Frame {
  event: string;
  data: string;
}

/** The server-sent events of a response, as they come. */
export async function* frames(response: Response): AsyncGenerator<Frame> {
  if (response.body === null) throw new Error('the response has no body');
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of response.body) {
    held += decoder.decode(chunk, { stream: true });
    const events = held.split('\n\n');
    held = events.pop() ?? '';
    for (const text of events) {
      // A comment, such as the place in a queue.
      if (text.startsWith(':')) continue;
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1];
      yield { event: field('event') ?? 'message', data: field('data') ?? '' };
    }
  }
  if (held !== '') throw new Error(`the stream ended inside an event: ${held}`);
}

export async function allFrames(response: Response): Promise<Frame[]> {
  const all: Frame[] = [];
  for await (const frame of frames(response)) all.push(frame);
  return all;
}

export interface LedgerEvent {
  index: number;
  type: string;
  module: string;
  data: Record<string, unknown>;
  commitments: Record<string, string>;
  leaf_hash: string;
}

export async function ledgerEvents(appliance: TestAppliance, query = ''): Promise<LedgerEvent[]> {
  return (await appliance.json(`/ledger/events?limit=1000&${query}`)).events as LedgerEvent[];
}

interface Status {
  breakers: {
    name: string;
    state: string;
    openings: number;
    open_step: number;
    retry_after_ms?: number;
  }[];
  queues: Record<string, { busy: number; waiting: number }>;
  sandbox: {
    workers: { idle: number; busy: number; starting: number };
    spawned: number;
    killed: Record<string, number>;
  };
  engines: { name: string; state: string; problem?: string }[];
}

export async function status(appliance: TestAppliance): Promise<Status> {
  return (await appliance.json('/status')) as unknown as Status;
}

/** Ids of the processes of Node that run a program for the server, such as `worker.js`; at level strict bubblewrap stands between. Linux. */
export function childrenRunning(appliance: TestAppliance, program: string): number[] {
  const server = appliance.process.pid;
  const parentOf = (pid: number | string): number =>
    Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [node, ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (!node!.endsWith('/node') || !args.some((arg) => arg.endsWith(`/${program}`))) return false;
        const parent = parentOf(pid);
        return parent === server || parentOf(parent) === server;
      } catch (error) {
        // It ended between two readings.
        if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
        throw error;
      }
    });
}

/** A question in the form of /v1. */
export function completion(text: string, more: object = {}): object {
  return { messages: [{ role: 'user', content: text }], ...more };
}
