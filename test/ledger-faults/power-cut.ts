import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const sectorBytes = 512;

/** xorshift32: repeatable from a printed seed. */
export function randomFrom(seed: number): () => number {
  let x = (seed ^ 0x9e3779b9) | 0 || 1;
  const next = () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
  // Seeds that follow each other differ in few bits at first.
  for (let n = 0; n < 16; n++) next();
  return next;
}

/**
 * Makes of a data folder what a disk holds after its power was cut: what was synchronised, and of the rest each sector with the
 * probability `kept`, in no order, since disks and kernels keep none.
 */
export function cutPower(
  { dataDir, shadowDir }: { dataDir: string; shadowDir: string },
  { kept, random }: { kept: number; random: () => number },
): void {
  for (const name of readdirSync(dataDir)) {
    const path = join(dataDir, name);
    const synced = join(shadowDir, name);
    if (name.endsWith('-shm') || !existsSync(synced)) {
      // Never synchronised: its name may not be in the folder either.
      rmSync(path, { recursive: true });
      continue;
    }
    writeFileSync(
      path,
      afterCut(readFileSync(path), readFileSync(synced), () => random() < kept),
    );
  }
}

function afterCut(written: Buffer, synced: Buffer, isKept: () => boolean): Buffer {
  const disk = Buffer.alloc(Math.max(written.byteLength, synced.byteLength));
  synced.copy(disk);
  let end = synced.byteLength;
  for (let at = 0; at < written.byteLength; at += sectorBytes) {
    const sector = written.subarray(at, at + sectorBytes);
    if (sector.equals(synced.subarray(at, at + sectorBytes)) || !isKept()) continue;
    sector.copy(disk, at);
    end = Math.max(end, at + sector.byteLength);
  }
  return disk.subarray(0, end);
}
