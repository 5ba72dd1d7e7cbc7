import fc from 'fast-check';

/** The part of JSON Schema 2020-12 that our OpenAPI document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  description?: string;
  default?: unknown;
}

const understood = new Set<string>([
  '$ref',
  'type',
  'enum',
  'anyOf',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'pattern',
  'items',
  'minItems',
  'maxItems',
  'properties',
  'required',
  'additionalProperties',
  'propertyNames',
  'description',
  'default',
]);

export type Components = Record<string, Schema>;

function resolve(schema: Schema, components: Components): Schema {
  if (schema.$ref === undefined) {
    const strange = Object.keys(schema).find((word) => !understood.has(word));
    if (strange !== undefined) throw new Error(`the document uses ${strange}, which this test does not know`);
    return schema;
  }
  const found = components[schema.$ref.replace('#/components/schemas/', '')];
  if (found === undefined) throw new Error(`nothing at ${schema.$ref}`);
  return found;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}

function fitsType(type: string | string[] | undefined, value: unknown): boolean {
  if (type === undefined) return true;
  const actual = typeOf(value);
  return [type].flat().some((name) => name === actual || (name === 'integer' && Number.isSafeInteger(value)));
}

/** Whether a value fits a schema. */
export function fits(given: Schema, value: unknown, components: Components): boolean {
  const schema = resolve(given, components);
  const inner = (part: Schema, of: unknown) => fits(part, of, components);
  if (!fitsType(schema.type, value)) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (schema.anyOf !== undefined && !schema.anyOf.some((part) => inner(part, value))) return false;
  if (typeof value === 'number')
    return value >= (schema.minimum ?? -Infinity) && value <= (schema.maximum ?? Infinity);
  if (typeof value === 'string') {
    const long = value.length >= (schema.minLength ?? 0) && value.length <= (schema.maxLength ?? Infinity);
    return long && (schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(value));
  }
  if (Array.isArray(value)) {
    const long = value.length >= (schema.minItems ?? 0) && value.length <= (schema.maxItems ?? Infinity);
    return long && value.every((item) => schema.items === undefined || inner(schema.items, item));
  }
  if (typeof value !== 'object' || value === null) return true;
  const { properties = {}, required = [], additionalProperties: more = true, propertyNames } = schema;
  if (!required.every((name) => Object.hasOwn(value, name))) return false;
  return Object.entries(value).every(([name, item]) => {
    if (propertyNames !== undefined && !inner(propertyNames, name)) return false;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (own !== undefined) return inner(own, item);
    return typeof more === 'boolean' ? more : inner(more, item);
  });
}

/** Values that fit a schema. */
export function fitting(given: Schema, components: Components, depth = 0): fc.Arbitrary<unknown> {
  const schema = resolve(given, components);
  const inner = (part: Schema) => fitting(part, components, depth + 1);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) {
    const simple = schema.anyOf.filter(({ type }) => type !== 'array' && type !== 'object');
    return fc.oneof(...(depth > 3 && simple.length > 0 ? simple : schema.anyOf).map(inner));
  }
  const [type] = [schema.type ?? 'any'].flat();
  const { minimum: min, maximum: max } = schema;
  switch (type) {
    case 'integer':
      return fc.integer({ min: min ?? -(2 ** 31), max: Math.min(max ?? 2 ** 31, 2 ** 31) });
    case 'number':
      return fc.double({ min: min ?? -1e9, max: max ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'string':
      return schema.pattern === undefined
        ? fc.string({ minLength: schema.minLength ?? 0, maxLength: Math.min(schema.maxLength ?? 30, 30) })
        : fc.stringMatching(new RegExp(schema.pattern, 'u')).filter((text) => fits(schema, text, components));
    case 'array':
      return fc.array(inner(schema.items ?? {}), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case 'object': {
      const { properties = {}, required = [], additionalProperties: more } = schema;
      const known = fc.record(
        Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, inner(part)])),
        { requiredKeys: required },
      );
      if (typeof more !== 'object' || Object.keys(properties).length > 0) return known;
      return fc.dictionary(fc.string({ maxLength: 10 }), inner(more), { maxKeys: 3 });
    }
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}
