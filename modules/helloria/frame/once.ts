import { AppError } from '../../../runtime/contracts/errors.js';
import { asAppError } from '../../../runtime/contracts/failure.js';
import {
  type Answer,
  ownerOf,
  type RouteCall,
  type RouteDefinition,
  roles,
} from '../../../runtime/contracts/http.js';
import {
  failureResult,
  type Idempotency,
  idempotencyHeader,
  isFinal,
  type NewClaim,
  throwFailure,
} from '../../../runtime/contracts/idempotency.js';
import type { JsonObject } from '../../../runtime/contracts/json.js';
import type { Ledger } from '../../../runtime/contracts/ledger.js';

export interface Once {
  idempotency: Idempotency;
  ledger: Pick<Ledger, 'append'>;
}

type Call = RouteCall<unknown, unknown>;

/** An answer as it is kept; `text` is absent where there is no body. */
interface Kept {
  status: number;
  type: string | null;
  text?: string;
}

/** Whether the frame does a route once for an Idempotency-Key: what an operator or administrator changes, and what does not see to it itself. */
export function isDoneOnce({ method, role, scope, headers, unrepeatable }: RouteDefinition): boolean {
  if (method === 'GET' || unrepeatable !== undefined || scope === 'read') return false;
  return roles.indexOf(role) >= roles.indexOf('operator') && headers?.includes(idempotencyHeader) !== true;
}

/**
 * The handler of a route, which heeds Idempotency-Key where the frame sees to that: a request that comes again gets the answer of the
 * first. The handler records what it does by itself; the answer is a text of an event behind that. When that event is missing nobody
 * knows whether it was done, and it is not done again.
 */
export function heedsKey(route: RouteDefinition, once: Once): (call: Call) => Answer | Promise<Answer> {
  const { handler, unrepeatable } = route;
  if (unrepeatable !== undefined) {
    return (call) => {
      if (call.header('idempotency-key') === undefined) return handler(call);
      throw new AppError('invalid_request', `Send this without Idempotency-Key: ${unrepeatable}`, {
        details: { param: idempotencyHeader.name },
      });
    };
  }
  if (!isDoneOnce(route)) return handler;
  return (call) => {
    const key = call.header('idempotency-key');
    return key === undefined ? handler(call) : doOnce(key, call, route, once);
  };
}

async function doOnce(key: string, call: Call, route: RouteDefinition, once: Once): Promise<Answer> {
  const { c, body = null, query = null, caller, requestId } = call;
  const name = `${route.method} ${route.path}`;
  const owner = ownerOf(caller.id);
  const texts: Record<string, string> = owner === null ? {} : { key: owner };
  const claim = await once.idempotency.claim({
    ...{ key, route: name, client: caller.id, requestId, texts, interrupted: 'refuse' },
    // What stands in the address says what is to be done, as the body does.
    body: { path: c.req.path, query, body },
  });
  if (claim.state === 'answered') {
    throwFailure(claim);
    return answerOf(claim.result as unknown as Kept, { 'idempotency-replayed': 'true' });
  }
  const end = async (status: number, result: JsonObject) => {
    try {
      await once.ledger.append(ending(claim, { requestId, route: name, status, texts }, result));
    } finally {
      // Also where it could not be recorded: it was done, or nobody knows.
      claim.settle(true);
    }
  };
  let kept: Kept;
  try {
    kept = await keptOf(await route.handler(call));
  } catch (error) {
    const failure = asAppError(error);
    if (isFinal(failure)) await end(failure.status, failureResult(failure));
    else claim.settle(false);
    throw error;
  }
  await end(kept.status, { ...kept });
  return answerOf(kept, {});
}

function ending(
  claim: NewClaim,
  about: { requestId: string; route: string; status: number; texts: Record<string, string> },
  result: JsonObject,
) {
  const { requestId: correlationId, texts, ...data } = about;
  return claim.ending({ type: 'request_answered', module: 'kernel', correlationId, data, texts }, result);
}

async function keptOf(answer: Answer): Promise<Kept> {
  if (!(answer instanceof Response)) {
    return { status: answer.status, type: answer.headers['content-type'] ?? null, text: answer.text };
  }
  const { status, headers, body } = answer;
  return {
    ...{ status, type: headers.get('content-type') },
    ...(body === null ? {} : { text: await answer.text() }),
  };
}

function answerOf({ status, type, text }: Kept, more: Record<string, string>): Answer {
  const headers = { ...(type === null ? {} : { 'content-type': type }), ...more };
  return text === undefined ? new Response(null, { status, headers }) : { text, status, headers };
}
