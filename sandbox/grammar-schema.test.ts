import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaForGrammar } from './grammar-schema.js';

const text = { type: 'string' };
const object = (properties: object) => ({ type: 'object', properties });

describe('a schema for the grammar', () => {
  it.each([
    ['anyOf', { anyOf: [text, { type: 'null' }] }, { oneOf: [text, { type: 'null' }] }],
    [
      'anyOf within',
      object({ a: { anyOf: [text], default: 1 } }),
      object({ a: { oneOf: [text], default: 1 } }),
    ],
    ['an allOf of one', { allOf: [object({ a: text })], title: 't' }, { ...object({ a: text }), title: 't' }],
    [
      'definitions',
      { ...object({ a: { $ref: '#/definitions/x' } }), definitions: { x: { anyOf: [text] } } },
      { ...object({ a: { $ref: '#/$defs/x' } }), $defs: { x: { oneOf: [text] } } },
    ],
    [
      'an object or nothing',
      { type: ['object', 'null'], properties: { a: text } },
      { oneOf: [object({ a: text }), { type: 'null', properties: { a: text } }] },
    ],
    ['properties alone', { properties: { a: text } }, object({ a: text })],
    [
      'items alone',
      { items: {} },
      { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } },
    ],
    ['bounds beyond counting', { ...text, minLength: 2, maxLength: 1001 }, { ...text, minLength: 2 }],
    ['a format that it does not know', { ...text, format: 'email' }, text],
    ['one that it knows', { ...text, format: 'date' }, { ...text, format: 'date' }],
    // Names of properties and values are no words of the schema.
    [
      'names and values',
      object({ anyOf: text, type: { enum: [{ anyOf: 1 }] }, $ref: { const: { $ref: 'x' } } }),
      object({ anyOf: text, type: { enum: [{ anyOf: 1 }] }, $ref: { const: { $ref: 'x' } } }),
    ],
  ])('%s', (_what, schema, expected) => {
    expect(schemaForGrammar(schema as Record<string, unknown>)).toEqual(expected);
  });

  it('is made of anything, leaves what it was given alone, and is the same when made again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (schema) => {
        const before = structuredClone(schema);
        const once = schemaForGrammar(schema);
        expect(schema).toEqual(before);
        expect(schemaForGrammar(once)).toEqual(once);
      }),
    );
  });
});
