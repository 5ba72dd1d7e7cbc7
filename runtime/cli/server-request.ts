import { CliFailure } from './failure.js';
import type { Target } from './settings.js';

const bodyBytesMax = 16_777_216;

export interface ServerRequest {
  path: string;
  body: unknown;
  signal?: AbortSignal;
}

/**
 * Posts JSON to the server and gives back its answer when that is a success.
 * @throws CliFailure with what to do, when the server is not there or answers with a problem.
 */
export async function post(target: Target, { path, body, signal }: ServerRequest): Promise<Response> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  if (target.key !== undefined) headers.authorization = `Bearer ${target.key}`;
  let response: Response;
  try {
    response = await fetch(`${target.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      redirect: 'error',
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(target.url, error);
  }
  if (response.ok) return response;
  throw problemFailure(await readJson(response), response.status);
}

/** The body as JSON; undefined when it is none. Reads at most 16 MB. */
export async function readJson(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > bodyBytesMax) throw new CliFailure('The answer of the server is longer than 16 MB.');
  }
  return parseJson(text + decoder.decode());
}

/** The value, or undefined for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** What to do about an error code, for those where a person can do something. */
const advice: Record<string, string> = {
  unauthorized: 'Give a key with --key; on the device "arkalia keys create" makes one.',
  forbidden: 'This needs a key with a higher role; on the device "arkalia keys create" makes one.',
  setup_required: 'The server waits for its first key; on the device run "arkalia keys create".',
  misdirected_request: 'Add the host name to http.allowed_hosts, or use an address of the device.',
  engine_unavailable: '"arkalia doctor" shows which engines are found.',
  ledger_unavailable: 'Is the disk full? "arkalia doctor" looks.',
  cognitive_overload: 'It scores as fast as it can; ask less often.',
  system_reboot_required:
    'Restart the server; its log says what failed, and "arkalia doctor" looks at the disk.',
  shutting_down: 'Start it again with: npm start',
};

/** A problem document (RFC 9457) as a failure that a person can read. */
export function problemFailure(problem: unknown, status: number): CliFailure {
  const { code, detail, title, reasons, retry_after_ms: retryMs } = fieldsOf(problem);
  if (typeof code !== 'string') {
    return new CliFailure(`The server answered with status ${status} and no reason. Is it Arkalia?`);
  }
  const head = typeof detail === 'string' ? detail : String(title ?? `status ${status}`);
  const lines = [`${code}: ${head}`];
  lines.push(...reasonLines(reasons, head));
  if (typeof retryMs === 'number') lines.push(`Try again in ${Math.ceil(retryMs / 1000)} s.`);
  if (Object.hasOwn(advice, code)) lines.push(String(advice[code]));
  return new CliFailure(lines.join('\n'));
}

/** The reasons of the guard, a line each; words that were said already are not said again. */
export function reasonLines(reasons: unknown, said = ''): string[] {
  if (!Array.isArray(reasons)) return [];
  return reasons.slice(0, 20).flatMap((reason) => {
    const { rule, en } = fieldsOf(reason);
    if (typeof rule !== 'string') return [];
    return [typeof en === 'string' && !said.includes(en) ? `  ${rule}: ${en}` : `  rule ${rule}`];
  });
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
}

function unreachable(url: string, error: unknown): CliFailure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') {
    return new CliFailure(
      `No server answers at ${url}. Start it with: npm start (or: arkalia serve). Another address: --url`,
    );
  }
  if (/CERT|SIGNED|ALTNAME/.test(code ?? '')) {
    return new CliFailure(
      `The certificate of ${url} is not trusted (${code}). Name its authority: NODE_EXTRA_CA_CERTS=FILE.pem`,
    );
  }
  return new CliFailure(`${url} cannot be reached: ${code ?? message}.`);
}
