import { type Decision, decisions } from '../../contracts/decision.js';
import { type DegradationLevel, levels } from '../../contracts/device.js';
import { type Column, type Mark, markNames } from './columns.js';

const labelChars = 13;
const notesChars = 20;
const chartCharsMin = 12;

const levelSigns: Record<DegradationLevel, string> = {
  normal: '▁',
  light: '▂',
  moderate: '▄',
  heavy: '▅',
  emergency: '▇',
  survival: '█',
};
const decisionSigns: Record<Decision, string> = {
  normal: '·',
  monitor: 'm',
  reduce_load: 'r',
  emergency_shutdown: 'E',
};
/** Of several in one column the last of `markNames` is drawn. */
const markSigns: Record<Mark, string> = {
  started: 'S',
  stopped: 'x',
  forecast: 'F',
  contradiction: 'C',
  incident: 'I',
};
const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const [green, yellow, red] = ['\u001b[32m', '\u001b[33m', '\u001b[31m'];
const plain = '\u001b[0m';

/** Signs that the chart has room for in a terminal of so many characters. */
export function chartChars(columns: number): number {
  return Math.max(chartCharsMin, columns - labelChars - notesChars);
}

interface Sign {
  sign: string;
  colour?: string;
}

const severityColour = (rank: number, of: number) =>
  rank === 0 ? green : rank / (of - 1) < 0.5 ? yellow : red;

/** Draws columns, each some signs wide, a row for each thing. */
export function draw(
  columns: readonly Column[],
  { chars, colours }: { chars: number; colours: boolean },
): string[] {
  const wide = Math.max(1, Math.floor(chars / columns.length));
  const row = (label: string, of: (column: Column) => Sign, note = '') => {
    const signs = columns.map((column) => {
      const { sign, colour } = of(column);
      const drawn = sign.repeat(wide);
      return colours && colour !== undefined && sign !== ' ' ? `${colour}${drawn}${plain}` : drawn;
    });
    return `${label.padEnd(labelChars)}${signs.join('')}  ${note}`.trimEnd();
  };
  const worstLevel = worstOf(
    levels,
    columns.map(({ level }) => level),
  );
  const worstDecision = worstOf(
    decisions,
    columns.map(({ decision }) => decision),
  );
  const temperatures = columns.map((column) => column.temperature_c).filter((value) => value !== null);
  const loads = columns.map(({ cpu }) => cpu).filter((value) => value !== null);
  const coolest = Math.min(...temperatures);
  const hottest = Math.max(...temperatures);
  return [
    row(
      'level',
      ({ level }) => levelSign(level),
      worstLevel === undefined ? 'not recorded' : `worst ${worstLevel}`,
    ),
    row('decision', ({ decision }) => decisionSign(decision), worstDecision ?? 'none'),
    row(
      'temperature',
      ({ temperature_c }) => bar(temperature_c, Math.min(coolest, hottest - 5), hottest),
      temperatures.length === 0 ? 'not told' : `${coolest.toFixed(0)} to ${hottest.toFixed(0)} °C`,
    ),
    row(
      'load',
      ({ cpu }) => bar(cpu, 0, 100),
      loads.length === 0
        ? 'not told'
        : `${Math.min(...loads).toFixed(0)} to ${Math.max(...loads).toFixed(0)} %`,
    ),
    row('events', ({ marks }) => ({ sign: markSigns[marks.toSorted(byWeight).at(-1)!] ?? ' ' })),
    axis(columns, wide),
    '',
    `decision: ${decisions.map((name) => `${decisionSigns[name]} ${name}`).join(', ')}`,
    `events: ${markNames.map((name) => `${markSigns[name]} ${name}`).join(', ')}`,
  ];
}

const byWeight = (one: Mark, other: Mark) => markNames.indexOf(one) - markNames.indexOf(other);

function worstOf<T extends string>(order: readonly T[], values: readonly (T | null)[]): T | undefined {
  return order.findLast((one) => values.includes(one));
}

function levelSign(level: DegradationLevel | null): Sign {
  if (level === null) return { sign: ' ' };
  return { sign: levelSigns[level], colour: severityColour(levels.indexOf(level), levels.length) };
}

function decisionSign(decision: Decision | null): Sign {
  if (decision === null) return { sign: ' ' };
  return {
    sign: decisionSigns[decision],
    colour: severityColour(decisions.indexOf(decision), decisions.length),
  };
}

function bar(value: number | null, low: number, high: number): Sign {
  if (value === null) return { sign: ' ' };
  const share = (value - low) / (high - low);
  const step = Math.min(bars.length - 1, Math.max(0, Math.floor(share * bars.length)));
  return { sign: bars[step]! };
}

/** Times of day under the columns that they begin with, in UTC. */
function axis(columns: readonly Column[], wide: number): string {
  let line = ' '.repeat(labelChars);
  columns.forEach(({ at_ms }, i) => {
    const place = labelChars + i * wide;
    if (i > 0 && place < line.length + 5) return;
    line = `${line.padEnd(place)}${new Date(at_ms).toISOString().slice(11, 16)}`;
  });
  return line;
}
