import type { ErrorShape } from '../../runtime/contracts/http.js';
import type { TestAppliance } from '../support/appliance.js';
import { cli } from './cli.js';
import type { Components, Schema } from './json-schema.js';
import { ollamaErrorOf, openaiErrorOf, problemOf, type RawAnswer } from './raw.js';

/** An operation of the OpenAPI document that the server itself gave. */
export interface Operation {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  /** Of a JSON body. */
  body: Schema | undefined;
  query: Record<string, Schema>;
  shape: ErrorShape;
}

interface Document {
  components: { schemas: Components };
  paths: Record<
    string,
    Record<
      string,
      {
        parameters: { name: string; in: string; schema: Schema }[];
        requestBody?: { content: { 'application/json'?: { schema: Schema } } };
      }
    >
  >;
}

/** Every operation that the server says it has, path parameters filled in. */
export async function readOperations(
  appliance: TestAppliance,
): Promise<{ operations: Operation[]; components: Components }> {
  const { paths, components } = (await appliance.json('/openapi.json')) as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]) => ({
      method: method.toUpperCase() as Operation['method'],
      path: path.replace(/\{\w+\}/g, 'abcdefgh'),
      body: requestBody?.content['application/json']?.schema,
      query: Object.fromEntries(
        parameters.filter((parameter) => parameter.in === 'query').map(({ name, schema }) => [name, schema]),
      ),
      shape: shapeOf(path),
    })),
  );
  return { operations, components: components.schemas };
}

/** Headers with an administrator's key, so that a request is refused for what it is and not for who sends it. */
export async function adminHeaders(appliance: TestAppliance): Promise<Record<string, string>> {
  const { dataDir } = appliance;
  const made = await cli(['keys', 'create', '--name', 'tests', '--role', 'admin', '--data', dataDir], {
    cwd: dataDir,
  });
  if (made.code !== 0) throw new Error(made.stderr);
  return { 'content-type': 'application/json', authorization: `Bearer ${made.stdout.trim()}` };
}

/** The form of errors at a path. */
export function shapeOf(path: string): ErrorShape {
  if (path.startsWith('/v1/')) return 'openai';
  return path.startsWith('/api/') ? 'ollama' : 'problem';
}

/** What a refusal says, whichever of the three forms it has. */
export interface Refusal {
  status: number;
  code: string;
  /** The sentence for a person. */
  detail: string;
  /** The field at fault, when there is one. */
  param: string | null;
}

/** @throws Error when the answer is no 4xx in the route's form, says too little, or shows our insides. */
export function refusalOf(answer: RawAnswer, shape: ErrorShape): Refusal {
  const shown = `${answer.status}: ${answer.text.slice(0, 500)}`;
  if (answer.status < 400 || answer.status > 499) throw new Error(`no refusal but ${shown}`);
  if (/\n\s*at |node_modules|\.[jt]s:\d|file:\/\/|ZodError|SyntaxError/.test(answer.text))
    throw new Error(`it shows our insides: ${shown}`);
  const { code, detail, param } = readers[shape](answer);
  if (detail.length < 15) throw new Error(`it helps nobody: ${shown}`);
  return { status: answer.status, code, detail, param };
}

function fromOpenai(answer: RawAnswer) {
  const { code, message, param } = openaiErrorOf(answer);
  return { code, detail: message, param };
}

function fromOllama(answer: RawAnswer) {
  const { code, error, param } = ollamaErrorOf(answer);
  return { code, detail: error, param };
}

const readers = { problem: fromProblem, openai: fromOpenai, ollama: fromOllama };

function fromProblem(answer: RawAnswer) {
  const { code, detail, param } = problemOf(answer);
  return { code, detail, param: param ?? null };
}
