import type { Leaf } from '../leaf.js';
import type { EventRow } from '../search/event-pages.js';

export type ExportFormat = 'jsonl' | 'csv';

const csvColumns = [
  'index',
  'type',
  'module',
  'stream',
  'correlation_id',
  'time',
  'time_ms',
  'monotonic_ms',
  'boot_id',
  'v',
  'leaf_hash',
  'data',
  'texts',
] as const;

/** What stands before the first event. */
export function exportHead(format: ExportFormat): string {
  return format === 'csv' ? `${csvColumns.join(',')}\r\n` : '';
}

/**
 * One event. JSON Lines: `{"index":N,"leaf":…}`, where what follows `"leaf":` up to the last brace are the bytes that the leaf hash is of.
 * CSV (RFC 4180) is for tables, not for proofs.
 */
export function exportLine(row: EventRow, format: ExportFormat): string {
  const leaf = row.leaf.toString('utf8');
  return format === 'jsonl' ? `{"index":${row.index},"leaf":${leaf}}\n` : csvLine(row, leaf);
}

function csvLine({ index, type, hash }: EventRow, text: string): string {
  const leaf = JSON.parse(text) as Leaf;
  const values: Record<(typeof csvColumns)[number], string> = {
    index: `${index}`,
    type,
    module: leaf.module,
    stream: leaf.stream ?? '',
    correlation_id: leaf.correlation_id ?? '',
    time: isoTime(leaf.time_ms),
    time_ms: `${leaf.time_ms}`,
    monotonic_ms: `${leaf.monotonic_ms}`,
    boot_id: leaf.boot_id,
    v: `${leaf.v}`,
    leaf_hash: hash.toString('hex'),
    data: JSON.stringify(leaf.data),
    texts: leaf.texts === undefined ? '' : JSON.stringify(leaf.texts),
  };
  return `${csvColumns.map((column) => csvCell(values[column])).join(',')}\r\n`;
}

/** A clock may have said anything; what is no date stays empty. */
function isoTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/**
 * A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, CSV injection); the rest is quoted as RFC 4180
 * says.
 */
export function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
