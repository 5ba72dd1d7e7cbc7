export interface OriginVerdict {
  ok: boolean;
  /** Set when a configured foreign origin may read the answer. */
  cors?: string;
}

/**
 * Decides whether a request may come from the page that sent it. No Origin header: not from a page's script. The same origin and
 * configured ones pass; `null` and every other are refused, because a foreign page could otherwise act with this device's rights.
 */
export function createOriginCheck(
  corsOrigins: readonly string[],
): (origin: string | undefined, self: { scheme: 'http' | 'https'; host: string }) => OriginVerdict {
  const allowed = new Set(corsOrigins.map((origin) => origin.toLowerCase()));
  return (origin, self) => {
    if (origin === undefined) return { ok: true };
    const lower = origin.toLowerCase();
    if (lower === `${self.scheme}://${self.host.toLowerCase()}`) return { ok: true };
    return allowed.has(lower) ? { ok: true, cors: origin } : { ok: false };
  };
}

/** Headers that let a configured foreign origin read the answer. */
export function corsHeaders(origin: string): Record<string, string> {
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'Arkalia-Receipt, Idempotency-Replayed, Retry-After, X-Request-Id',
    vary: 'Origin',
  };
}

/** Headers of the answer to an allowed preflight. */
export function preflightHeaders(origin: string): Record<string, string> {
  return {
    ...corsHeaders(origin),
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-allow-headers': 'authorization, content-type, idempotency-key, prefer',
    'access-control-max-age': '600',
  };
}
