import { setTimeout as pause } from 'node:timers/promises';
import type { TestAppliance } from '../../support/appliance.js';
import type { Outcome } from './kind.js';

const limitMs = 120_000;
const pollMs = 5;
const askMs = 30_000;

export interface Moments {
  faultMs: number;
  /** Default: the fault is known as it happens. */
  knownMs?: number;
}

/**
 * Asks again and again whether the service is there, and whether a person was told.
 * @throws Error when neither is so after two minutes.
 */
export async function untilRestored(
  { faultMs, knownMs = faultMs }: Moments,
  serves: () => Promise<boolean>,
  incident: () => Promise<string | undefined> = async () => undefined,
): Promise<Outcome> {
  for (;;) {
    const served = await serves();
    const id = served ? undefined : await incident();
    const nowMs = performance.now();
    const times = { sinceFaultMs: nowMs - faultMs, sinceKnownMs: Math.max(0, nowMs - knownMs) };
    if (served) return times;
    if (id !== undefined) return { ...times, incident: id };
    if (nowMs - faultMs > limitMs) throw new Error('neither recovered nor escalated to an incident');
    await pause(pollMs);
  }
}

/** Waits for a step of a round that must come. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const startMs = performance.now();
  while (!(await holds())) {
    if (performance.now() - startMs > limitMs) throw new Error(`${what} did not come`);
    await pause(pollMs);
  }
}

/** False for a server that does not answer, or not in time. */
async function isOk(ask: () => Promise<Response>): Promise<boolean> {
  try {
    const answer = await ask();
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

const post = (url: string, body: object) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(askMs),
  });

/** A prompt is answered, and so recorded. */
export const chats = ({ url }: Pick<TestAppliance, 'url'>) =>
  isOk(() => post(`${url}/chat`, { message: 'How are you?' }));

/** A decision is taken, and durable. */
export const decides = ({ url }: Pick<TestAppliance, 'url'>) =>
  isOk(() => post(`${url}/zeroia/decisions`, { cpu: 1, ram: 1, severity: 'normal' }));

/** Asks the module of faults.fixture.ts to break something. */
export async function breakIt({ url }: Pick<TestAppliance, 'url'>, fault: string): Promise<void> {
  const answer = await post(`${url}/faults`, { fault });
  if (answer.status !== 200)
    throw new Error(`the fault ${fault} was answered ${answer.status}: ${await answer.text()}`);
  await answer.arrayBuffer();
}

/** The first open incident about a target that goes on; none while the server does not answer. */
export async function incidentAbout(
  { url }: Pick<TestAppliance, 'url'>,
  target: string,
): Promise<string | undefined> {
  const open = await fetch(`${url}/status`).then(
    async (answer) => ((await answer.json()) as { incidents: Told[] }).incidents,
    () => [],
  );
  return open.find((one) => one.target === target && one.cleared_ms === null)?.id;
}

interface Told {
  id: string;
  target: string;
  cleared_ms: number | null;
}
