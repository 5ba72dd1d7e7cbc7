export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/**
 * A JSON object that its maker has already written in canonical form (RFC 8785): keys sorted, no spaces, numbers as ECMAScript writes
 * them. For events on a hot path; each maker has a test that holds its text to the canonical form of the parsed object.
 */
export class CanonicalJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}
