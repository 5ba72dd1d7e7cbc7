import type { RouteCall } from '../../runtime/contracts/http.js';
import type { EngineRequest } from './question.js';

/** Of a request to an engine, what its HTTP request says whichever API it speaks. */
export function engineRequestOf({
  c,
  header,
  body,
  caller,
  requestId,
  signal,
}: RouteCall<unknown, unknown>): Pick<
  EngineRequest,
  'idempotency' | 'route' | 'client' | 'models' | 'requestId' | 'signal'
> {
  const route = c.req.path;
  const key = header('idempotency-key');
  return {
    // The request's key, if it came with one.
    ...(key === undefined ? {} : { idempotency: { key, route: `${c.req.method} ${route}`, body } }),
    route,
    client: caller.id,
    models: caller.models,
    requestId,
    signal: signal(),
  };
}
