/** A share with its 95 % interval, after E. B. Wilson, JASA 22 (1927). */
export interface Rate {
  hits: number;
  of: number;
  share: number;
  low: number;
  high: number;
}

const Z = 1.959964;

export function rate(hits: number, of: number): Rate {
  if (of === 0) return { hits, of, share: Number.NaN, low: 0, high: 1 };
  const share = hits / of;
  const centre = share + (Z * Z) / (2 * of);
  const half = Z * Math.sqrt((share * (1 - share)) / of + (Z * Z) / (4 * of * of));
  const whole = 1 + (Z * Z) / of;
  return {
    hits,
    of,
    share,
    low: Math.max(0, (centre - half) / whole),
    high: Math.min(1, (centre + half) / whole),
  };
}

/** `83 % (79–86, n = 412)`. */
export function show({ share, low, high, of }: Rate): string {
  if (of === 0) return '–';
  const percent = (value: number) => (value < 0.0995 ? (value * 100).toFixed(1) : (value * 100).toFixed(0));
  return `${percent(share)} % (${percent(low)}–${percent(high)}, n = ${of})`;
}

/** Mean and standard deviation of shares over sources, in per cent. */
export function spread(rates: readonly Rate[]): string {
  const shares = rates.filter(({ of }) => of > 0).map(({ share }) => share * 100);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / shares.length;
  return `${mean.toFixed(1)} % ± ${Math.sqrt(variance).toFixed(1)} over ${shares.length} sources`;
}

/** A table in Markdown. */
export function table(heads: readonly string[], lines: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [row(heads), row(heads.map(() => '---')), ...lines.map(row)].join('\n');
}
