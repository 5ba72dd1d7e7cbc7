import { isRecord } from './check.js';

type Schema = Record<string, unknown>;

/** Longest text and list that llama.cpp's grammars are made to count to; they take at most 2,000 repetitions. */
const repetitionsMax = 1000;
const formats = ['date-time', 'time', 'date'];
/** What stands for anything: a grammar of all there is would let a model nest without end. */
const anything = ['string', 'number', 'boolean', 'null'];

/**
 * A JSON Schema in the words that node-llama-cpp's grammar knows. It would take what it does not know for null: `anyOf`, an `allOf` of one,
 * `definitions`, lists of types with objects or lists among them, and what says no type at all. Bounds that it cannot count to and formats
 * that it does not know are left out: the answer is not held to those.
 */
export function schemaForGrammar(schema: Schema): Schema {
  return translated(schema) as Schema;
}

function translated(schema: unknown): unknown {
  // What is no schema is the library's to refuse.
  if (!isRecord(schema)) return schema;
  const { anyOf, allOf, definitions, $ref, ...said } = schema;
  const only = Array.isArray(allOf) && allOf.length === 1 ? translated(allOf[0]) : {};
  const rest: Schema = {
    ...Object.fromEntries(Object.entries(said).map(([key, value]) => [key, part(key, value)])),
    ...(isRecord(only) ? only : {}),
  };
  if (definitions !== undefined && rest.$defs === undefined) rest.$defs = named(definitions);
  if (typeof $ref === 'string') return { ...rest, $ref: $ref.replace(/^#\/definitions\//, '#/$defs/') };
  if (rest.$ref !== undefined) return rest;
  if (Array.isArray(anyOf) && rest.oneOf === undefined) rest.oneOf = anyOf.map(translated);
  if (rest.oneOf !== undefined || rest.enum !== undefined || rest.const !== undefined) return rest;
  return typed(bounded(rest));
}

function part(key: string, value: unknown): unknown {
  if (key === 'properties' || key === '$defs') return named(value);
  if (key === 'oneOf' || key === 'prefixItems') return Array.isArray(value) ? value.map(translated) : value;
  return key === 'items' || key === 'additionalProperties' ? translated(value) : value;
}

/** Schemas by names that are no words of JSON Schema. */
function named(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, translated(one)]));
}

function bounded(schema: Schema): Schema {
  const kept = { ...schema };
  for (const bound of ['maxLength', 'maxItems', 'maxProperties'])
    if (Number(kept[bound]) > repetitionsMax) delete kept[bound];
  if (typeof kept.format === 'string' && !formats.includes(kept.format)) delete kept.format;
  return kept;
}

function typed(schema: Schema): Schema {
  const { type } = schema;
  if (type === undefined) {
    const found =
      schema.properties !== undefined ? 'object' : schema.items !== undefined ? 'array' : anything;
    return { ...schema, type: found };
  }
  if (!Array.isArray(type) || !type.some((one) => one === 'object' || one === 'array')) return schema;
  return { oneOf: type.map((one) => typed({ ...schema, type: one })) };
}
