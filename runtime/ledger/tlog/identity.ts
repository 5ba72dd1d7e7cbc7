import { randomBytes, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../data-folder/write-file-atomic.js';
import { LedgerFileError } from '../ledger-file-error.js';
import { strictBase64 } from './base64.js';
import { createSigner, type NoteSigner, seedBytes } from './note-key.js';

const fileName = 'log-key.json';
const epochMax = 2_000_000_000;
/** A device that is restored elsewhere goes on this far ahead, at most, of the epoch of the backup. */
const epochSkip = 1_000_000;

/** Who this device is in its logs: each epoch is a log of its own, named `<device id>/<epoch>` and begun with an empty tree. */
interface Stored {
  deviceId: string;
  /** The newest epoch that was begun; 0 before the first. */
  epoch: number;
  /** The Ed25519 private key. */
  seed: Buffer;
}

/**
 * The signer of the newest epoch; undefined where none was begun.
 * @throws LedgerFileError `ledger_unusable` when the file is there and cannot be read.
 */
export async function readSigner(folder: string): Promise<NoteSigner | undefined> {
  const stored = await read(folder);
  return stored === undefined || stored.epoch === 0 ? undefined : signerOf(stored);
}

/**
 * Begins the next epoch of this device, with its key, which is made where there is none; both are on the disk when this resolves. A
 * log file takes its epoch once, so no two logs ever appear under one name.
 */
export async function beginEpoch(folder: string): Promise<NoteSigner> {
  const known = await read(folder);
  const { deviceId, epoch, seed } = known ?? {
    deviceId: `arkalia-${randomBytes(16).toString('hex')}`,
    epoch: 0,
    seed: randomBytes(seedBytes),
  };
  const next = { deviceId, epoch: epoch + 1, seed };
  if (next.epoch > epochMax) throw unusable(folder, `epoch ${next.epoch} is above ${epochMax}`);
  await write(folder, next);
  return signerOf(next);
}

/** Makes another key for the epochs to come. The present one must have ended: its ledger is refused beside the new key. */
export async function rotateKey(folder: string): Promise<void> {
  const known = await read(folder);
  if (known === undefined) throw unusable(folder, 'it is missing');
  await write(folder, { ...known, seed: randomBytes(seedBytes) });
}

/**
 * Takes over the identity of a backup where the folder has none; one that it has stays. The old device may have begun epochs after the
 * backup, which nobody here knows of, so the number goes ahead by chance.
 */
export async function takeOver(folder: string, text: string): Promise<void> {
  if ((await read(folder)) !== undefined) return;
  const stored = parse(folder, text);
  await write(folder, { ...stored, epoch: stored.epoch + randomInt(1, epochSkip) });
}

async function write(folder: string, { deviceId, epoch, seed }: Stored): Promise<void> {
  const file = { version: 1, device_id: deviceId, epoch, seed: seed.toString('base64') };
  await writeFileAtomic(join(folder, fileName), `${JSON.stringify(file)}\n`);
}

function signerOf({ deviceId, epoch, seed }: Stored): NoteSigner {
  return createSigner(`${deviceId}/${epoch}`, seed);
}

async function read(folder: string): Promise<Stored | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, fileName), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(folder, error instanceof Error ? error.message : String(error));
  }
  return parse(folder, text);
}

function parse(folder: string, text: string): Stored {
  const { version, device_id: deviceId, epoch, seed } = parseObject(folder, text);
  const bytes = typeof seed === 'string' ? strictBase64(seed) : undefined;
  if (
    version !== 1 ||
    typeof deviceId !== 'string' ||
    !/^[a-z0-9.-]{1,100}$/.test(deviceId) ||
    !Number.isSafeInteger(epoch) ||
    (epoch as number) < 0 ||
    (epoch as number) > epochMax ||
    bytes?.byteLength !== seedBytes
  ) {
    throw unusable(folder, 'version, device_id, epoch or seed is not what was written there');
  }
  return { deviceId, epoch: epoch as number, seed: bytes };
}

function parseObject(folder: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unusable(folder, error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== 'object' || value === null) throw unusable(folder, 'it holds no object');
  return value as Record<string, unknown>;
}

function unusable(folder: string, why: string): LedgerFileError {
  return new LedgerFileError(
    'ledger_unusable',
    `${join(folder, fileName)}, the key that signs the log, cannot be used: ${why}. Put it back from a backup. Without it, move the file and the ledger away together: a new log begins, under another name.`,
  );
}
