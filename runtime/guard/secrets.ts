import { ALIVE, DEAD, type Detector, HOLD_MAX } from './detector.js';

/** A fixed piece, or a run of signs of one kind that must hold what `needs` asks for. */
type Part = string | { sign: RegExp; min: number; max: number; needs?: RegExp };

interface Shape {
  parts: readonly Part[];
  /** Whether it begins only where no letter or digit stands before. */
  bounded: boolean;
}

const alphanumeric = /[A-Za-z0-9]/;
const base64url = /[A-Za-z0-9_-]/;
/** Words and file names have these shapes too, but neither digits nor capitals over such a length. */
const random = /[0-9A-Z]/;

const shapes: readonly Shape[] = [
  // Our own keys: ark_<id>_<256 random bits>.
  {
    parts: [
      'ark_',
      { sign: alphanumeric, min: 1, max: 40 },
      '_',
      { sign: base64url, min: 32, max: 200, needs: random },
    ],
    bounded: false,
  },
  // OpenAI and its likes.
  { parts: ['sk-', { sign: base64url, min: 20, max: 200, needs: random }], bounded: true },
  // GitHub: personal, OAuth, user, server and refresh tokens.
  {
    parts: ['gh', { sign: /[pousr]/, min: 1, max: 1 }, '_', { sign: alphanumeric, min: 36, max: 36 }],
    bounded: false,
  },
  { parts: ['github_pat_', { sign: /[A-Za-z0-9_]/, min: 22, max: 22 }], bounded: false },
  // AWS access key ids, lasting and temporary.
  {
    parts: ['A', { sign: /[KS]/, min: 1, max: 1 }, 'IA', { sign: /[0-9A-Z]/, min: 16, max: 16 }],
    bounded: true,
  },
  // PEM private keys of every kind (RFC 7468).
  {
    parts: ['-----BEGIN ', { sign: /[A-Z0-9 ]/, min: 11, max: 60, needs: /PRIVATE KEY/ }],
    bounded: false,
  },
  // JSON Web Tokens (RFC 7519): header and payload both begin with '{"'.
  {
    parts: ['eyJ', { sign: base64url, min: 8, max: 200 }, '.', 'eyJ', { sign: base64url, min: 8, max: 8 }],
    bounded: false,
  },
];

/** One detector for each shape of secret. */
export const secretDetectors: readonly Detector[] = shapes.map((shape) => {
  const longest = shape.parts.reduce(
    (sum, part) => sum + (typeof part === 'string' ? part.length : part.max),
    0,
  );
  if (longest > HOLD_MAX)
    throw new RangeError(`a secret decides within ${HOLD_MAX} characters, not ${longest}`);
  return {
    rule: 'secret-in-answer',
    en: 'The answer contains a secret such as a key or a token.',
    fr: 'La réponse contient un secret tel qu’une clé ou un jeton.',
    first: String(shape.parts[0]).charAt(0),
    read: (text, from, before) =>
      shape.bounded && alphanumeric.test(before) ? DEAD : read(shape.parts, text, from),
  };
});

function read(parts: readonly Part[], text: string, from: number): number {
  let at = from;
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    at = typeof part === 'string' ? readFixed(part, text, at) : readRun(part, text, at, last);
    if (at < 0) return at;
  }
  return at;
}

function readFixed(fixed: string, text: string, from: number): number {
  const there = text.slice(from, from + fixed.length);
  if (there === fixed) return from + fixed.length;
  return fixed.startsWith(there) ? ALIVE : DEAD;
}

/** The last run ends as soon as it is long enough; one in the middle takes all signs of its kind. */
function readRun(run: Exclude<Part, string>, text: string, from: number, last: boolean): number {
  let at = from;
  while (at - from < run.max) {
    if (last && at - from >= run.min && (run.needs === undefined || run.needs.test(text.slice(from, at))))
      return at;
    if (at >= text.length) return ALIVE;
    if (!run.sign.test(text.charAt(at))) break;
    at++;
  }
  const enough = at - from >= run.min && (run.needs === undefined || run.needs.test(text.slice(from, at)));
  if (!enough) return DEAD;
  return at;
}
