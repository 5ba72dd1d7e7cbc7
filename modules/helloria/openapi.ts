import { z } from 'zod';
import { errorCodes } from '../../runtime/contracts/errors.js';
import type { ErrorShape, RouteDefinition } from '../../runtime/contracts/http.js';
import { idempotencyHeader } from '../../runtime/contracts/idempotency.js';
import { recoveryStrategies } from '../../runtime/contracts/recovery.js';
import { isDoneOnce } from './frame/once.js';

type Json = Record<string, unknown>;

/** Makes JSON Schemas; what refers to itself goes to components/schemas, where a reference from anywhere in the document finds it. */
class Schemas {
  readonly shared: Json = {};
  readonly #prefixes = new Map<string, string>();

  of(schema: z.ZodType, io: 'input' | 'output'): Json {
    const { $schema: _, $defs, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
    if ($defs === undefined) return own;
    const definitions = JSON.stringify($defs);
    const known = this.#prefixes.get(definitions);
    const prefix = known ?? `Shared${this.#prefixes.size}`;
    const moved = (text: string) =>
      JSON.parse(text.replaceAll('"$ref":"#/$defs/', `"$ref":"#/components/schemas/${prefix}`)) as Json;
    if (known === undefined) {
      this.#prefixes.set(definitions, prefix);
      for (const [name, definition] of Object.entries(moved(definitions)))
        this.shared[prefix + name] = definition;
    }
    return moved(JSON.stringify(own));
  }
}

function parametersOf(route: RouteDefinition, schemas: Schemas): Json[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const heeded = [...(route.headers ?? []), ...(isDoneOnce(route) ? [idempotencyHeader] : [])];
  const inHeader = heeded.map(({ name, description, schema }) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: schemas.of(schema, 'input'),
  }));
  if (route.query === undefined) return [...inPath, ...inHeader];
  const { properties = {}, required = [] } = schemas.of(route.query, 'input') as {
    properties?: Json;
    required?: string[];
  };
  const inQuery = Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

const errorSchemas: Record<ErrorShape, [type: string, name: string]> = {
  problem: ['application/problem+json', 'Problem'],
  openai: ['application/json', 'OpenAIError'],
  ollama: ['application/json', 'OllamaError'],
};

function bodyOf({ body, bodyType, bodyBytesMax }: RouteDefinition, schemas: Schemas): Json {
  if (bodyBytesMax !== undefined)
    return {
      requestBody: {
        required: true,
        content: {
          'application/octet-stream': {
            schema: { type: 'string', format: 'binary', maxLength: bodyBytesMax },
          },
        },
      },
    };
  if (body === undefined) return {};
  return {
    requestBody: {
      required: true,
      content: { [bodyType ?? 'application/json']: { schema: schemas.of(body, 'input') } },
    },
  };
}

function operationOf(route: RouteDefinition, schemas: Schemas): Json {
  const responses: Json = {};
  for (const [status, { description, schema, contentType = 'application/json' }] of Object.entries(
    route.responses,
  )) {
    const content =
      schema === undefined && !contentType.startsWith('text/')
        ? {}
        : {
            content: { [contentType]: schema === undefined ? {} : { schema: schemas.of(schema, 'output') } },
          };
    responses[status] = { description, ...content };
  }
  const [type, name] = errorSchemas[route.errors];
  responses.default = {
    description: 'An error',
    content: { [type]: { schema: { $ref: `#/components/schemas/${name}` } } },
  };
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/[^a-z0-9]+/gi, '_').replace(/_$/, '')}`,
    summary: route.summary,
    tags: [route.tag],
    'x-role': route.role,
    ...(route.role === 'none' ? {} : { 'x-scope': route.scope ?? null }),
    ...(route.role === 'none' ? { security: [] } : {}),
    parameters: parametersOf(route, schemas),
    ...bodyOf(route, schemas),
    responses,
  };
}

/** The OpenAPI 3.1 document of the routes, made from their definitions so that it cannot drift from what is served. */
export function openapiDocument(routes: readonly RouteDefinition[], version: string): Json {
  const schemas = new Schemas();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Arkalia-LUNA',
      version,
      description:
        'A sovereign AI appliance in front of a local language model. Times are in milliseconds, ratios 0 to 1, percentages 0 to 100.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ key: [] }, { login: [] }, {}],
    paths,
    components: {
      securitySchemes: {
        login: {
          type: 'apiKey',
          in: 'cookie',
          name: 'arkalia_login',
          description: 'Set by POST /login, for the web page; under TLS its name is __Host-arkalia_login.',
        },
        key: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A key made by "arkalia keys create". On this machine itself asking and reading need none.',
        },
      },
      schemas: {
        ...schemas.shared,
        Problem: {
          description: 'RFC 9457 problem document',
          type: 'object',
          required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', enum: Object.keys(errorCodes) },
            detail: { type: 'string' },
            request_id: { type: 'string' },
            retry_after_ms: { type: 'integer' },
            recovery: { type: 'string', enum: [...recoveryStrategies] },
          },
        },
        OllamaError: {
          type: 'object',
          required: ['error', 'code', 'request_id'],
          properties: {
            error: { type: 'string' },
            code: { type: 'string', enum: Object.keys(errorCodes) },
            param: { type: ['string', 'null'] },
            request_id: { type: 'string' },
          },
        },
        OpenAIError: {
          type: 'object',
          required: ['error'],
          properties: {
            error: {
              type: 'object',
              required: ['message', 'type', 'code'],
              properties: {
                message: { type: 'string' },
                type: { type: 'string' },
                param: { type: ['string', 'null'] },
                code: { type: ['string', 'null'] },
              },
            },
          },
        },
      },
    },
  };
}
