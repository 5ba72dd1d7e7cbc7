/** What the appliance answers instead of what was asked for, or why there was no answer at all (`unreachable`). */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly retryAfterMs: number | undefined;
  /** The whole problem document. */
  readonly document: Record<string, unknown>;

  constructor(status: number, document: Record<string, unknown>) {
    super(typeof document.detail === 'string' ? document.detail : '');
    this.name = 'Problem';
    this.status = status;
    this.code = typeof document.code === 'string' ? document.code : 'internal';
    this.retryAfterMs = typeof document.retry_after_ms === 'number' ? document.retry_after_ms : undefined;
    this.document = document;
  }
}

/** An answer that is no problem document, such as one of a proxy, is worded by its status. */
export async function problemOf(answer: Response): Promise<Problem> {
  const text = await answer.text();
  try {
    const document = JSON.parse(text) as unknown;
    if (typeof document === 'object' && document !== null) {
      return new Problem(answer.status, document as Record<string, unknown>);
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return new Problem(answer.status, { code: 'internal', detail: `HTTP ${answer.status}` });
}

export const unreachable = new Problem(0, { code: 'unreachable', detail: '' });
