import { analyticsAnswer, type LedgerAnalytics } from '../contracts/analytics.js';
import { decisions } from '../contracts/decision.js';
import { printable } from '../contracts/text.js';
import { control } from './control.js';
import { type CliIo, exitCodes } from './io.js';
import { withLedgerFile } from './ledger-file.js';
import { type ConfigFlags, loadFromFlags } from './settings.js';

export interface AnalyzeFlags extends ConfigFlags {
  hours: number;
  json?: boolean;
}

/** Asks the server that runs on the data folder, or looks at the folder itself, and prints figures. */
export async function analyze({ hours, json = false, ...flags }: AnalyzeFlags, io: CliIo): Promise<number> {
  const { config } = loadFromFlags(flags, io);
  const path = `/ledger/analytics?hours=${hours}`;
  const reply = await control(config.data_dir, { method: 'GET', path });
  const figures =
    reply.server === 'none'
      ? await withLedgerFile(config, 'arkalia analyze', (ledger) => ledger.analyse(hours))
      : analyticsAnswer.parse(reply.value);
  io.out(
    json
      ? `${JSON.stringify(figures)}\n`
      : `${render(figures)
          .map((line) => printable(line))
          .join('\n')}\n`,
  );
  return exitCodes.ok;
}

function render(figures: LedgerAnalytics): string[] {
  const { size, from_ms, to_ms, hours, types, standing } = figures;
  if (from_ms === null || to_ms === null) return ['The ledger holds no event.'];
  const breakers = Object.entries(standing.breakers).map(([name, state]) => `${name} ${state}`);
  return [
    `${size} events; ${hours} hours with events from ${time(from_ms)} to ${time(to_ms)}.`,
    `By the log alone: level ${standing.level}; breakers: ${breakers.join(', ') || 'none has ever moved'}.`,
    '',
    ...table([
      ['type', 'events', 'per hour'],
      ...Object.entries(types).map(([name, { count, per_hour }]) => [name, `${count}`, per_hour.toFixed(1)]),
    ]),
    '',
    ...decisionLines(figures),
    '',
    ...anomalyLines(figures),
    ...behaviourLines(figures),
  ];
}

function decisionLines({ decisions: { counts, share, time_ms, transitions } }: LedgerAnalytics): string[] {
  return table([
    ['decision', 'made', 'share', 'minutes', ...decisions.map((name) => `to ${name}`)],
    ...decisions.map((name) => [
      name,
      `${counts[name]}`,
      `${(100 * share[name]).toFixed(1)} %`,
      (time_ms[name] / 60_000).toFixed(1),
      ...decisions.map((to) => `${transitions[name][to]}`),
    ]),
  ]);
}

function anomalyLines({ baseline, anomalies }: LedgerAnalytics): string[] {
  const { state, hours, hours_needed } = baseline;
  if (state === 'learning') {
    return [`Nothing is called unusual yet: ${hours} of ${hours_needed} hours before the window are known.`];
  }
  if (anomalies.length === 0) return [`Nothing unusual against the ${hours} hours before.`];
  return table([
    ['unusual', 'value', 'median', 'score', 'hour'],
    ...anomalies.map(({ figure, value, median, score, hour_ms }) => [
      figure,
      value.toFixed(2),
      median.toFixed(2),
      score.toFixed(1),
      time(hour_ms),
    ]),
  ]);
}

function behaviourLines({ behaviour }: LedgerAnalytics): string[] {
  if (behaviour.length === 0) return [];
  const figure = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '-';
  return [
    '',
    ...table([
      ['behaviour', 'kind', 'value', 'usual', 'score', 'hour', 'held against'],
      ...behaviour.map(({ kind, figure: name, hour_ms, against, numbers: { value, median, score } }) => [
        ...[name, kind, figure(value, 2), figure(median, 2), figure(score, 1), time(hour_ms)],
        against.replace('_', ' '),
      ]),
    ]),
  ];
}

/** Lines with the first column to the left and the others to the right. */
function table(rows: string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows.map((cells) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '),
  );
}

function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : `${date.toISOString().slice(0, 16)}Z`;
}
