import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TestAppliance } from '../support/appliance.js';

type Json = Record<string, unknown>;
interface Operation {
  summary: string;
  parameters: { name: string; in: string; required: boolean; schema: Json }[];
  requestBody?: { content: { 'application/json': { schema: Json } } };
  responses: Record<string, { content?: Record<string, { schema?: Json }> }>;
}
export interface OpenApi {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json> };
}

/** What the page calls. A route that changes here changes the types of the page, and svelte-check says where it matters. */
const used = [
  'POST /chat',
  'POST /breakers/{name}',
  'GET /ledger/events',
  'GET /ledger/analytics',
  'GET /ledger/log',
  'GET /ledger/proof/inclusion',
  'GET /sessions',
  'GET /sessions/{id}',
  'POST /sessions/{id}/title',
  'DELETE /sessions/{id}',
  'GET /zeroia/status',
  'GET /sandozia/status',
  'GET /nyxalia/history',
  'GET /nyxalia/config',
  'GET /v1/models',
  'GET /keys',
  'POST /incidents/{id}/acknowledge',
  'POST /incidents/{id}/close',
  'POST /keys',
  'DELETE /keys/{id}',
  'POST /setup',
  'GET /models',
  'POST /models',
  'DELETE /models/{name}',
  'POST /models/{name}/verify',
  'POST /models/{name}/default',
  'GET /me',
  'POST /me/password',
  'POST /login',
  'POST /logout',
  'GET /users',
  'POST /users',
  'POST /users/{name}/password',
  'DELETE /users/{name}',
  'GET /logins',
  'DELETE /logins/{id}',
] as const;

const words: Record<string, string> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

const propertyName = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`);

/** A JSON Schema of ours as a TypeScript type; what it does not know is `unknown`, never `any`. */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return 'unknown';
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  if (schema.const !== undefined) return literal(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(literal).join(' | ');
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices))
    return [...new Set((choices as Json[]).map((choice) => typeOf(choice)))].join(' | ');
  if (schema.type === 'array') {
    const item = typeOf(schema.items as Json | undefined);
    return item.includes('|') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type === 'object') return objectOf(schema);
  return words[String(schema.type)] ?? 'unknown';
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}

function objectOf({ properties, required, additionalProperties }: Json): string {
  const known = Object.entries((properties ?? {}) as Record<string, Json>);
  if (known.length === 0) {
    if (additionalProperties === undefined || additionalProperties === false) return 'Record<string, never>';
    return `Record<string, ${typeOf(additionalProperties as Json)}>`;
  }
  const needed = new Set((required ?? []) as string[]);
  const lines = known.map(
    ([name, schema]) => `${propertyName(name)}${needed.has(name) ? '' : '?'}: ${typeOf(schema)}`,
  );
  return `{ ${lines.join('; ')} }`;
}

function parametersOf(operation: Operation, where: string): string[] {
  const all = operation.parameters.filter((parameter) => parameter.in === where);
  if (all.length === 0) return [];
  const fields = all.map(
    ({ name, required, schema }) => `${propertyName(name)}${required ? '' : '?'}: ${typeOf(schema)}`,
  );
  // A query goes as text; numbers are as good.
  const widened =
    where === 'query' ? fields.map((field) => field.replace(/: string$/, ': string | number')) : fields;
  const optional = all.every(({ required }) => !required) ? '?' : '';
  return [`${where}${optional}: { ${widened.join('; ')} }`];
}

/** The types of the operations that the page calls. @throws Error for one that the appliance does not have. */
export function operationTypes({ paths }: OpenApi): string {
  const lines = used.map((name) => {
    const [method = '', path = ''] = name.split(' ');
    const operation = paths[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`the page calls ${name}, which the appliance does not have`);
    const body = operation.requestBody?.content['application/json'].schema;
    const [, success] = Object.entries(operation.responses).find(([status]) => status.startsWith('2')) ?? [];
    const content = success?.content?.['application/json'];
    const parts = [
      ...parametersOf(operation, 'path'),
      ...parametersOf(operation, 'query'),
      ...(body === undefined ? [] : [`body: ${typeOf(body)}`]),
      `answer: ${content === undefined ? 'undefined' : typeOf(content.schema)}`,
    ];
    return `  /** ${operation.summary.replace(/\*\//g, '')} */\n  '${name}': {\n${parts.map((part) => `    ${part};\n`).join('')}  };\n`;
  });
  return `// Made from the OpenAPI document by "npm run generate:api"; do not edit.\nexport interface Operations {\n${lines.join('')}}\n`;
}

export const operationsFile = fileURLToPath(
  new URL('../../../modules/nyxalia/web/src/lib/api/operations.ts', import.meta.url),
);

/** The types by the appliance as it is built now. */
export async function currentTypes(): Promise<string> {
  const appliance = await TestAppliance.start();
  try {
    return operationTypes((await appliance.json('/openapi.json')) as unknown as OpenApi);
  } finally {
    await appliance.close();
  }
}

export async function writeTypes(): Promise<void> {
  await writeFile(operationsFile, await currentTypes());
}
