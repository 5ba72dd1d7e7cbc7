import { z } from 'zod';
import { AppError } from '../../runtime/contracts/errors.js';
import { defineRoute, json, type RouteDefinition } from '../../runtime/contracts/http.js';
import type { Config } from '../../runtime/contracts/module.js';
import { configInForce } from './config-in-force.js';
import { bestBody, type WebFile, type WebFiles } from './files.js';
import { type DeviceHistory, historyAnswer, historyWindows } from './history.js';
import { liveDocument } from './live/asyncapi.js';

/**
 * Nothing from elsewhere, no inline script or style, no frame around it; markup is set by nobody but the templates that Svelte
 * compiled.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types svelte-trusted-html',
].join('; ');

const pageHeaders = {
  'content-security-policy': pagePolicy,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=()',
};

export interface WebRoutes {
  /** Undefined until it is read, or when it was not built. */
  files(): WebFiles | undefined;
  history: DeviceHistory;
  config: Config;
  version: string;
}

/** The page, its files, and what it reads once. What moves comes by /ws. */
export function webRoutes({ files, history, config, version }: WebRoutes): RouteDefinition[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/',
      role: 'none',
      tag: 'web',
      summary: 'The web page',
      errors: 'problem',
      rateLimited: false,
      duringSetup: true,
      responses: { 200: { description: 'The page', contentType: 'text/html; charset=utf-8' } },
      handler: ({ c }) => {
        const index = files()?.index;
        if (index === undefined) {
          throw new AppError(
            'not_found',
            'The web page is not built here: "npm run build" makes it. GET /docs describes the API.',
          );
        }
        return serve(index, c.req.header(), { ...pageHeaders, 'cache-control': 'no-cache' });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/assets/:name',
      role: 'none',
      tag: 'web',
      summary: 'A file of the web page; its name holds a hash of its content, so it may be kept for ever',
      errors: 'problem',
      rateLimited: false,
      duringSetup: true,
      responses: { 200: { description: 'The file', contentType: 'application/octet-stream' } },
      handler: ({ c }) => {
        const file = files()?.assets.get(c.req.param('name') ?? '');
        if (file === undefined) throw new AppError('not_found', 'The web page has no such file.');
        return serve(file, c.req.header(), {
          'cache-control': 'public, max-age=31536000, immutable',
          'cross-origin-resource-policy': 'same-origin',
        });
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/asyncapi.json',
      role: 'none',
      tag: 'documentation',
      summary: 'The AsyncAPI 3.0 document of the live data at /ws',
      errors: 'problem',
      responses: { 200: { description: 'AsyncAPI', schema: z.record(z.string(), z.unknown()) } },
      handler: () => json(liveDocument(version)),
    }),
    defineRoute({
      method: 'GET',
      path: '/nyxalia/history',
      role: 'operator',
      scope: 'read',
      tag: 'web',
      summary: 'Means of the samples of the device over the last hour or day, since the server started',
      errors: 'problem',
      query: z.strictObject({ window: z.enum(historyWindows).default('hour') }),
      responses: { 200: { description: 'Columns of equal length', schema: historyAnswer } },
      handler: ({ query }) => json(history.read(query.window)),
    }),
    defineRoute({
      method: 'GET',
      path: '/nyxalia/config',
      role: 'operator',
      scope: 'operate',
      tag: 'web',
      summary: 'The configuration in force: each key and its value',
      errors: 'problem',
      responses: {
        200: {
          description: 'Keys in the order of docs/configuration.md',
          schema: z.object({ keys: z.array(z.object({ key: z.string(), value: z.json() })) }),
        },
      },
      handler: () => json({ keys: configInForce(config) }),
    }),
  ];
}

function serve(file: WebFile, asked: Record<string, string>, headers: Record<string, string>): Response {
  const common = { ...headers, etag: file.etag, vary: 'Accept-Encoding' };
  const known = asked['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  if (known?.includes(file.etag)) return new Response(null, { status: 304, headers: common });
  const [encoding, body] = bestBody(file, asked['accept-encoding']);
  const sent = new Headers({
    ...common,
    'content-type': file.type,
    'content-length': String(body.byteLength),
  });
  if (encoding !== 'identity') sent.set('content-encoding', encoding);
  return new Response(body, { headers: sent });
}
