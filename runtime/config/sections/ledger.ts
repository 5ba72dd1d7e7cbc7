import { z } from 'zod';
import { bytes, count, milliseconds, section } from './parts.js';

const witness = section({
  logs: z
    .array(z.string().min(1).max(500))
    .max(64)
    .default([])
    .describe(
      'Logs whose checkpoints this device cosigns, by their verifier keys, as "arkalia keys show-verifier" prints them there. None: it is no witness.',
    ),
  ask: z
    .array(z.string().min(1).max(2000))
    .max(16)
    .default([])
    .describe(
      'Witnesses that are asked to cosign our own checkpoints, each as "KEY ADDRESS": what "arkalia keys show-witness" prints there, and where it is reached, such as http://192.168.1.20:8000/ledger/witness.',
    ),
  interval_ms: milliseconds(60_000, 1000).describe(
    'Time between two rounds of asking. A checkpoint that a witness has cosigned is not shown to it again.',
  ),
  requests_per_minute: count(60, 1, 100_000).describe(
    'Checkpoints that a client may show, and that a log may have cosigned. Each one cosigned costs two syncs of the disk.',
  ),
});

export const ledger = section({
  queue_max: count(20_000, 16, 10_000_000).describe(
    'Events that may wait for the disk; beyond it callers get 503 with Retry-After. About 1 KB each.',
  ),
  batch_max: count(1024, 1, 65_536).describe('Events in one transaction, so in one sync of the disk.'),
  size_limit_bytes: bytes(500_000_000, 50_000_000, 1_000_000_000_000).describe(
    'What the ledger may take on the disk: entries, texts, indexes, hashes and write-ahead log together. The oldest events are pruned to stay below; 500 MB hold some 380,000 decisions.',
  ),
  age_max_days: count(0, 0, 36_500).describe(
    'Events older than so many days are pruned as more arrive, in whole bundles of 256; 0: none is for its age. Counts only while the wall clock can be believed.',
  ),
  witness,
});
