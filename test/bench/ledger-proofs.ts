import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHistogram, performance } from 'node:perf_hooks';
import { Database } from '../../runtime/contracts/sqlite.js';
import { migrations } from '../../runtime/ledger/database.js';
import { hashBytes } from '../../runtime/ledger/merkle/node-hash.js';
import { consistencyProof, inclusionProof } from '../../runtime/ledger/merkle/proof.js';
import { rootAt } from '../../runtime/ledger/merkle/subtrees.js';
import { verifyConsistency, verifyInclusion } from '../../runtime/ledger/merkle/verify.js';
import { formatCheckpoint, parseCheckpoint } from '../../runtime/ledger/tlog/checkpoint.js';
import { LogReader } from '../../runtime/ledger/tlog/log-reader.js';
import { openNote, signNote } from '../../runtime/ledger/tlog/note.js';
import { createSigner, parseVerifierKey } from '../../runtime/ledger/tlog/note-key.js';
import { TileTree, tileWidth } from '../../runtime/ledger/tlog/tile-tree.js';

const proofs = 20_000;
const origin = 'bench/1';

/** A leaf hash that is its index, so that no list of them is kept. */
function leafHash(index: number, into: Buffer, at: number): void {
  into.fill(0, at, at + hashBytes);
  into.writeUIntBE(index, at, 6);
}

/** A file with the tree of so many leaves: all tiles, and the events behind the last full one. Entries have nothing to do with proofs. */
function makeLog(file: string, size: number): Buffer {
  const db = new Database(file);
  for (const migration of migrations) db.exec(migration);
  const insert = db.prepare('INSERT INTO tiles (level, number, root, hashes) VALUES (?, ?, ?, ?)');
  const tree = new TileTree(({ level, number, root, hashes }) => insert.run(level, number, root, hashes));
  const leaves = Buffer.alloc(4096 * hashBytes);
  const event = db.prepare(
    `INSERT INTO events ("index", type, module, time_ms, leaf, leaf_hash) VALUES (?, 'bench', 'bench', 0, x'', ?)`,
  );
  db.transaction(() => {
    while (tree.size < size) {
      const first = tree.size;
      const count = Math.min(4096, size - first);
      for (let n = 0; n < count; n++) leafHash(first + n, leaves, n * hashBytes);
      tree.append(leaves.subarray(0, count * hashBytes));
    }
    for (let index = size - (size % tileWidth); index < size; index++) {
      leafHash(index, leaves, 0);
      event.run(index, leaves.subarray(0, hashBytes));
    }
  })();
  const root = tree.root();
  db.close();
  return Buffer.from(root);
}

/** Times a task; what it measured last is in microseconds. */
function timed(task: (n: number) => void): { p50: number; p99: number } {
  const histogram = createHistogram();
  for (let n = 0; n < proofs; n++) {
    const beganMs = performance.now();
    task(n);
    histogram.record(Math.max(1, Math.round((performance.now() - beganMs) * 1e6)));
  }
  const us = (percent: number) => Number((histogram.percentile(percent) / 1000).toPrecision(3));
  return { p50: us(50), p99: us(99) };
}

/** Proofs of events and between sizes all over a log, and what checking a receipt takes; every proof is checked. */
export function benchProofs(size: number): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'arkalia-bench-'));
  try {
    const file = join(folder, 'ledger.sqlite');
    const root = makeLog(file, size);
    const db = new Database(file, { readonly: true });
    const { node } = new LogReader(db);
    // Steps of a fixed stride that meet every part of the log in no order.
    const place = (n: number) => (n * 7_919_317) % size;
    const inclusions: Buffer[][] = [];
    const inclusion = timed((n) => {
      inclusions[n] = inclusionProof(node, { index: place(n), size });
    });
    const consistencies: Buffer[][] = [];
    const consistency = timed((n) => {
      consistencies[n] = consistencyProof(node, { from: place(n) + 1, to: size });
    });
    const signer = createSigner(origin, Buffer.alloc(32, 1));
    const note = signNote(formatCheckpoint({ origin, size, root }), [signer]);
    const verifier = parseVerifierKey(signer.verifierKey);
    const hash = Buffer.alloc(hashBytes);
    const receipt = timed((n) => {
      leafHash(place(n), hash, 0);
      const signed = parseCheckpoint(openNote(note, [verifier]).text);
      const claim = { index: place(n), size, leafHash: hash, root: signed.root, proof: inclusions[n]! };
      if (!verifyInclusion(claim)) throw new Error(`the proof of event ${place(n)} does not hold`);
    });
    const from = place(1) + 1;
    const rootFrom = rootAt(node, from);
    const claim = { from, to: size, rootFrom, rootTo: root, proof: consistencies[1]! };
    if (!verifyConsistency(claim)) throw new Error(`the proof from size ${from} does not hold`);
    db.close();
    return {
      leaves: size,
      'inclusion p50 us': inclusion.p50,
      'inclusion p99 us': inclusion.p99,
      'consistency p50 us': consistency.p50,
      'consistency p99 us': consistency.p99,
      'receipt checked p50 us': receipt.p50,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
