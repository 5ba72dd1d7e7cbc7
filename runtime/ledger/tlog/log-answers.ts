import type { Database } from 'better-sqlite3';
import { consistencyProof, inclusionProof } from '../merkle/proof.js';
import { rootAt } from '../merkle/subtrees.js';
import type { LogProof, LogRequest, ReaderReply } from '../protocol.js';
import { LogReader } from './log-reader.js';
import { NotStoredError } from './not-stored-error.js';

/** The reader thread's answers about the log. */
export class LogAnswers {
  readonly #log: LogReader;

  constructor(db: Database) {
    this.#log = new LogReader(db);
  }

  answer({ id, ...request }: LogRequest & { id: number }): ReaderReply {
    switch (request.kind) {
      case 'tile':
        return { id, bytes: movable(this.#log.tile(request)) };
      case 'entries':
        return { id, bytes: movable(this.#log.bundle(request)) };
      case 'inclusion':
      case 'consistency':
        return { id, proof: this.#proof(request) };
    }
  }

  #proof(request: Extract<LogRequest, { kind: 'inclusion' | 'consistency' }>): LogProof | null {
    const { node } = this.#log;
    try {
      if (request.kind === 'inclusion') {
        const { index, size } = request;
        return {
          leafHash: hex(node(0, index)),
          root: hex(rootAt(node, size)),
          hashes: inclusionProof(node, request).map(hex),
          note: this.#log.note(size),
        };
      }
      const { from, to } = request;
      return {
        rootFrom: hex(rootAt(node, from)),
        root: hex(rootAt(node, to)),
        hashes: consistencyProof(node, request).map(hex),
        note: this.#log.note(to),
      };
    } catch (error) {
      if (error instanceof NotStoredError) return null;
      throw error;
    }
  }
}

/** Bytes whose memory is theirs alone, so that it can change the thread. */
function movable(bytes: Uint8Array | undefined): Uint8Array<ArrayBuffer> | null {
  return bytes === undefined ? null : new Uint8Array(bytes);
}

function hex(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString('hex');
}
