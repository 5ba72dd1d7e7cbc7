import { equal, fromHex, toHex } from './bytes.js';
import { type Crypto, leafHash } from './crypto.js';
import { rootOf } from './merkle.js';
import { isSignedBy, parseCheckpoint, parseVerifierKey, type VerifierKey } from './note.js';
import { type Pin, type PinStorage, readPin, writePin } from './pins.js';

export interface ReceiptLike {
  index: number;
  leaf_hash: string;
  proof?: Proof | undefined;
}

interface Proof {
  size: number;
  hashes: string[];
  checkpoint?: string | undefined;
}

/** Where the parts come from; the appliance, which is not trusted. */
export interface Evidence {
  /** The bytes of the event; null where it was pruned. */
  entry(index: number): Promise<Uint8Array<ArrayBuffer> | null>;
  inclusion(index: number): Promise<Proof>;
  verifierKey(): Promise<string>;
}

type StepName = 'receipt' | 'entry' | 'leaf' | 'content' | 'root' | 'checkpoint' | 'key' | 'signature';
type StepState = 'ok' | 'failed' | 'skipped';

type KeyTrust =
  | { how: 'first_use'; key: string }
  | { how: 'pinned'; key: string; since_ms: number }
  | { how: 'new_epoch'; key: string; since_ms: number }
  | { how: 'changed'; key: string; pinned: string; since_ms: number };

/** One step with the figures that a person may want to see. */
export interface Step {
  name: StepName;
  state: StepState;
  facts: Record<string, string | number>;
}

export interface Verification {
  ok: boolean;
  steps: Step[];
  trust?: KeyTrust;
}

export interface VerifyOptions {
  crypto: Crypto;
  evidence: Evidence;
  pins: PinStorage;
  nowMs: number;
  /** What the page shows and the entry must say too, such as the engine. */
  shown?: Record<string, string | number>;
  /** Told of each step as it is done. */
  onStep?(step: Step): void;
}

/**
 * Checks a receipt with nothing but hashes and a key: the entry's own bytes give the leaf, the proof leads from it to a root, the root
 * stands in a checkpoint, and the key signed that. Ends at the first step that fails.
 */
export async function verifyReceipt(receipt: ReceiptLike, options: VerifyOptions): Promise<Verification> {
  const { crypto, evidence, onStep } = options;
  const steps: Step[] = [];
  const step = (name: StepName, state: StepState, facts: Step['facts'] = {}) => {
    const done = { name, state, facts };
    steps.push(done);
    onStep?.(done);
    return state !== 'failed';
  };
  const verdict = (trust?: KeyTrust): Verification => ({
    ok: steps.every(({ state }) => state !== 'failed'),
    steps,
    ...(trust === undefined ? {} : { trust }),
  });

  const leaf = /^[0-9a-f]{64}$/.test(receipt.leaf_hash) ? fromHex(receipt.leaf_hash) : null;
  const whole = Number.isSafeInteger(receipt.index) && receipt.index >= 0;
  if (
    !step('receipt', leaf !== null && whole ? 'ok' : 'failed', {
      index: receipt.index,
      leaf: receipt.leaf_hash,
    })
  )
    return verdict();

  const entry = await evidence.entry(receipt.index);
  if (entry === null) {
    step('entry', 'skipped', { index: receipt.index });
  } else {
    step('entry', 'ok', { index: receipt.index, bytes: entry.length });
    const computed = await leafHash(crypto, entry);
    if (
      !step('leaf', equal(computed, leaf!) ? 'ok' : 'failed', {
        computed: toHex(computed),
        claimed: receipt.leaf_hash,
      })
    )
      return verdict();
    if (!step('content', ...sameAs(entry, options.shown ?? {}))) return verdict();
  }

  const proof =
    receipt.proof?.checkpoint === undefined ? await evidence.inclusion(receipt.index) : receipt.proof;
  const hashes = proof.hashes.map((hash) => fromHex(hash));
  const root = hashes.includes(null)
    ? null
    : await rootOf(crypto, {
        index: receipt.index,
        size: proof.size,
        leaf: leaf!,
        proof: hashes as Uint8Array<ArrayBuffer>[],
      });
  const reached = root === null ? '' : toHex(root);
  if (
    !step('root', root === null ? 'failed' : 'ok', { hashes: hashes.length, size: proof.size, root: reached })
  )
    return verdict();

  const checkpoint = parseCheckpoint(proof.checkpoint ?? '');
  const covers = checkpoint !== null && checkpoint.size === proof.size && equal(checkpoint.root, root!);
  const facts: Step['facts'] =
    checkpoint === null
      ? {}
      : { origin: checkpoint.origin, size: checkpoint.size, root: toHex(checkpoint.root) };
  if (!step('checkpoint', covers ? 'ok' : 'failed', facts) || checkpoint === null) return verdict();

  const key = await parseVerifierKey(crypto, await evidence.verifierKey());
  if (key === null) {
    step('key', 'failed');
    return verdict();
  }
  const trust = await trustOf(key, options);
  if (!step('key', trust.how === 'changed' ? 'failed' : 'ok', { key: key.text, how: trust.how }))
    return verdict(trust);
  step('signature', (await isSignedBy(crypto, checkpoint, key)) ? 'ok' : 'failed', { name: key.name });
  const verification = verdict(trust);
  // Trusted on first use: kept only once everything holds with it.
  if (verification.ok && trust.how !== 'pinned')
    pin(options.pins, { key: key.text, since_ms: options.nowMs });
  return verification;
}

/** Checks a pasted checkpoint against the pinned key, or the one that the appliance shows. */
export async function verifyCheckpoint(note: string, options: VerifyOptions): Promise<Verification> {
  const { crypto, evidence, onStep } = options;
  const steps: Step[] = [];
  const step = (name: StepName, state: StepState, facts: Step['facts'] = {}) => {
    steps.push({ name, state, facts });
    onStep?.({ name, state, facts });
  };
  const checkpoint = parseCheckpoint(note);
  if (checkpoint === null) {
    step('checkpoint', 'failed');
    return { ok: false, steps };
  }
  const { origin, size, root } = checkpoint;
  step('checkpoint', 'ok', { origin, size, root: toHex(root) });
  const key = await parseVerifierKey(crypto, await evidence.verifierKey());
  if (key === null) {
    step('key', 'failed');
    return { ok: false, steps };
  }
  const trust = await trustOf(key, options);
  step('key', trust.how === 'changed' ? 'failed' : 'ok', { key: key.text, how: trust.how });
  if (trust.how !== 'changed')
    step('signature', (await isSignedBy(crypto, checkpoint, key)) ? 'ok' : 'failed', { name: key.name });
  return { ok: steps.every(({ state }) => state === 'ok'), steps, trust };
}

/** Trusts this key from now on, after a person has compared it. */
export function pin(pins: PinStorage, trusted: Pin): void {
  writePin(pins, trusted);
}

/** The key that the appliance shows is trusted when it is the pinned one, or the same key at work on another epoch of the same device. */
async function trustOf(key: VerifierKey, { crypto, pins }: VerifyOptions): Promise<KeyTrust> {
  const pinned = readPin(pins);
  if (pinned === undefined) return { how: 'first_use', key: key.text };
  const { since_ms } = pinned;
  if (pinned.key === key.text) return { how: 'pinned', key: key.text, since_ms };
  const before = await parseVerifierKey(crypto, pinned.key);
  const device = (name: string) => name.slice(0, name.lastIndexOf('/'));
  const sameKey =
    before !== null && equal(before.publicKey, key.publicKey) && device(before.name) === device(key.name);
  return sameKey
    ? { how: 'new_epoch', key: key.text, since_ms }
    : { how: 'changed', key: key.text, pinned: pinned.key, since_ms };
}

/** Whether the entry says what the page shows. */
function sameAs(
  entry: Uint8Array<ArrayBuffer>,
  shown: Record<string, string | number>,
): [StepState, Step['facts']] {
  let event: { type?: unknown; data?: Record<string, unknown> };
  try {
    event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(entry)) as typeof event;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    return ['failed', {}];
  }
  const facts: Step['facts'] = { type: String(event.type) };
  for (const [name, value] of Object.entries(shown)) {
    const recorded = event.data?.[name];
    facts[name] = String(recorded);
    if (recorded !== value) return ['failed', { ...facts, shown: String(value) }];
  }
  return ['ok', facts];
}
