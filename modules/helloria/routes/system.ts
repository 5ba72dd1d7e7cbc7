import { z } from 'zod';
import { keyLimits, keyUsage, newKey } from '../../../runtime/contracts/access.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { actorOf, defineRoute, json, type RouteDefinition } from '../../../runtime/contracts/http.js';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import { password, userName } from '../../../runtime/contracts/people.js';

const anyObject = z.record(z.string(), z.unknown());
/** Whether a value may stand in JSON: 1e999 is valid JSON text, but what it becomes is not. */
function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isJson);
  return value !== undefined;
}

/** Any JSON value, kept as it is: a schema of its parts would drop a key named __proto__. */
const jsonValue = z.unknown().refine(isJson, 'must be JSON, with numbers that are finite');

/** What stands at / without a web page. */
const toDocumentation = defineRoute({
  method: 'GET',
  path: '/',
  role: 'none',
  tag: 'system',
  summary: 'Leads to the documentation',
  errors: 'problem',
  responses: { 302: { description: 'To /docs' } },
  handler: () => new Response(null, { status: 302, headers: { location: '/docs' } }),
});

/** Liveness, readiness, status, echo and metrics. */
export function systemRoutes(context: ModuleContext): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/health',
      role: 'none',
      tag: 'system',
      summary: 'Whether the process answers at all',
      errors: 'problem',
      rateLimited: false,
      duringSetup: true,
      responses: {
        200: { description: 'Alive', schema: z.object({ status: z.literal('ok'), version: z.string() }) },
      },
      handler: () => json({ status: 'ok', version: context.version }),
    }),
    defineRoute({
      method: 'GET',
      path: '/ready',
      role: 'none',
      tag: 'system',
      summary: 'Whether requests are served: every module runs and the ledger records',
      errors: 'problem',
      rateLimited: false,
      responses: {
        200: { description: 'Ready', schema: z.object({ ready: z.literal(true) }) },
        503: { description: 'Not ready, and why' },
      },
      handler: () => {
        const { modules, ledger } = context.status();
        const problems = Object.entries(modules)
          .filter(([, module]) => module.state === 'failed' || module.state === 'stopped')
          .map(([name, module]) => `module ${name} is ${module.state}`);
        if (ledger.state !== 'open') problems.push(`the ledger is ${String(ledger.state)}`);
        if (!context.ready()) problems.push('the appliance is starting or stopping');
        return problems.length === 0 ? json({ ready: true }) : json({ ready: false, problems }, 503);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/status',
      role: 'operator',
      scope: 'read',
      tag: 'system',
      summary: 'Every module, engine, breaker and queue, the sandbox and degradation level, the version',
      errors: 'problem',
      responses: { 200: { description: 'Status', schema: anyObject } },
      handler: () => json(context.status()),
    }),
    defineRoute({
      method: 'POST',
      path: '/echo',
      role: 'user',
      scope: 'any',
      tag: 'system',
      summary: 'Answers with the JSON it was sent; shows that a client, its key and the frame work together',
      errors: 'problem',
      body: z.strictObject({ message: jsonValue }),
      responses: { 200: { description: 'The same', schema: z.object({ message: jsonValue }) } },
      handler: ({ body }) => json({ message: body.message }),
    }),
    defineRoute({
      method: 'GET',
      path: '/metrics',
      role: 'operator',
      scope: 'read',
      tag: 'system',
      summary: 'Metrics in the text format of Prometheus',
      errors: 'problem',
      responses: { 200: { description: 'Metrics', contentType: context.metrics.contentType } },
      handler: async () =>
        new Response(await context.metrics.metrics(), {
          headers: { 'content-type': context.metrics.contentType },
        }),
    }),
    ...(context.config.modules.enabled.includes('nyxalia') ? [] : [toDocumentation]),
  ];
}

const shownOnce = 'its answer shows a secret once, and no secret is kept to be shown again.';

/** Keys and the setup code: for administrators, and for the folder's socket. */
export function accessRoutes(context: ModuleContext): RouteDefinition[] {
  const { access } = context;
  const key = keyLimits.extend({
    id: z.string(),
    name: z.string(),
    role: z.string(),
    created_ms: z.number(),
  });
  const created = key.extend({ key: z.string() });
  return [
    defineRoute({
      method: 'GET',
      path: '/keys',
      role: 'admin',
      scope: 'admin',
      tag: 'access',
      summary: 'The keys, without their secrets',
      errors: 'problem',
      responses: { 200: { description: 'Keys', schema: z.object({ keys: z.array(key) }) } },
      handler: () => json({ keys: access.listKeys() }),
    }),
    defineRoute({
      method: 'GET',
      path: '/keys/usage',
      role: 'admin',
      scope: 'admin',
      tag: 'access',
      summary: 'What each key did, by day of UTC, for 31 days',
      errors: 'problem',
      responses: { 200: { description: 'Usage', schema: z.object({ keys: z.array(keyUsage) }) } },
      handler: () => json({ keys: access.keyUsage() }),
    }),
    defineRoute({
      method: 'POST',
      path: '/keys',
      role: 'admin',
      scope: 'admin',
      tag: 'access',
      summary: 'Makes a key; the answer shows it this once',
      errors: 'problem',
      body: newKey,
      unrepeatable: shownOnce,
      responses: { 201: { description: 'The key', schema: created } },
      handler: async ({ body, caller }) => json(await access.createKey(body, actorOf(caller)), 201),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/keys/:id',
      role: 'admin',
      scope: 'admin',
      tag: 'access',
      summary: 'Revokes a key at once',
      errors: 'problem',
      responses: { 204: { description: 'Revoked' } },
      handler: async ({ c, caller }) => {
        if (!(await access.revokeKey(c.req.param('id') ?? '', actorOf(caller))))
          throw new AppError('not_found', 'There is no key with that id.');
        return new Response(null, { status: 204 });
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/setup/code',
      role: 'admin',
      scope: 'admin',
      tag: 'access',
      summary: 'Makes a new setup code in its file',
      errors: 'problem',
      body: z.strictObject({}),
      responses: {
        201: { description: 'Where it is', schema: z.object({ file: z.string(), expires_ms: z.number() }) },
      },
      handler: async ({ caller }) => json(await access.renewSetupCode(actorOf(caller)), 201),
    }),
    defineRoute({
      method: 'POST',
      path: '/setup',
      role: 'none',
      tag: 'access',
      summary: "Exchanges the setup code for an administrator's key",
      errors: 'problem',
      duringSetup: true,
      unrepeatable: shownOnce,
      body: z.strictObject({
        code: z.string().min(1).max(100),
        user: userName.default('admin').describe('Name to sign in with'),
        password: password.optional().describe('Lets that administrator sign in without the key, too'),
      }),
      responses: { 201: { description: 'The key, shown this once', schema: created } },
      handler: async ({ body }) => {
        const key = await access.redeemSetupCode(body.code);
        if (key === null) {
          throw new AppError(
            'forbidden',
            'That setup code is wrong or no longer valid. It dies after use, ten wrong tries or 30 minutes; "arkalia setup-code" on the device makes another.',
          );
        }
        if (body.password !== undefined) {
          const user = { name: body.user, role: 'admin' as const, password: body.password };
          await context.people.addUser(user, 'setup');
        }
        return json(key, 201);
      },
    }),
  ];
}
