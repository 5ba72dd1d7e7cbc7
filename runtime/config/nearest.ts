import { distance } from 'fastest-levenshtein';

/** The candidate closest to the name; one with the same last part, such as `http.port` for `server.port`, comes first. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestScore = Number.POSITIVE_INFINITY;
  const tail = lastPart(name);
  for (const candidate of candidates) {
    const whole = distance(name, candidate);
    const score = tail !== name && lastPart(candidate) === tail ? Math.min(whole, 1) : whole;
    if (score < bestScore) {
      best = candidate;
      bestScore = score;
    }
  }
  return best;
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
