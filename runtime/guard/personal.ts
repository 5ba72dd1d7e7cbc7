import type { PersonalKind } from '../contracts/guard.js';
import { ALIVE, DEAD, type Detector } from './detector.js';

// Personal data that an answer must not give away, by configuration. Numbers with a check digit are checked, so that an order number is
// no card.

const digits = '0123456789';
const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const wordSign = /[A-Za-z0-9]/;

const about: Readonly<Record<PersonalKind, { en: string; fr: string }>> = {
  email: { en: 'an e-mail address', fr: 'une adresse électronique' },
  phone: { en: 'a telephone number', fr: 'un numéro de téléphone' },
  card: { en: 'the number of a payment card', fr: 'un numéro de carte de paiement' },
  iban: { en: 'the number of a bank account', fr: 'un numéro de compte bancaire' },
  nir: { en: 'a French social security number', fr: 'un numéro de sécurité sociale' },
};

interface Numbers {
  first: string;
  /** Characters of the number and their count as soon as its beginning tells; undefined while it does not. */
  length(beginning: string): number | undefined;
  /** Whether the whole number is one. */
  valid(number: string): boolean;
  sign: RegExp;
  /** What its first two characters are, next to each other. */
  begins?: RegExp;
}

const numbers: Readonly<Record<Exclude<PersonalKind, 'email'>, Numbers>> = {
  phone: {
    first: '+0',
    // +CC and at least nine digits of E.164; or 0 and nine digits, as in France, Belgium and Britain.
    length: (beginning) => (beginning.startsWith('+') ? 11 : 10),
    begins: /^(?:\+|0[1-9])/,
    valid: () => true,
    sign: /[0-9]/,
  },
  card: { first: '23456', length: cardLength, valid: luhn, sign: /[0-9]/ },
  iban: { first: capitals, length: ibanLength, valid: (number) => modulo97(number) === 1, sign: /[A-Z0-9]/ },
  nir: {
    first: '12',
    length: () => 15,
    valid: (number) => {
      const [month, key] = [Number(number.slice(3, 5)), Number(number.slice(13))];
      const body = number.slice(0, 13).replace('2A', '19').replace('2B', '18');
      return month >= 1 && month <= 42 && /^\d{13}$/.test(body) && Number(BigInt(body) % 97n) === 97 - key;
    },
    sign: /[0-9AB]/,
  },
};

/** A detector for each kind. */
export function personalDetectors(kinds: readonly PersonalKind[]): Detector[] {
  return [...new Set(kinds)].map((kind) => ({
    rule: `personal-${kind}`,
    en: `The answer contains ${about[kind].en}.`,
    fr: `La réponse contient ${about[kind].fr}.`,
    ...(kind === 'email' ? email : numberDetector(numbers[kind])),
  }));
}

const LOCAL_MAX = 64;
const HOST_MAX = 120;

/** Local part, @, and a host whose last label has two letters or more (RFC 5321, without quotes). */
const email: Pick<Detector, 'first' | 'read'> = {
  first: digits + capitals + capitals.toLowerCase(),
  read(text, from, before) {
    if (/[A-Za-z0-9._%+-]/.test(before)) return DEAD;
    let at = from;
    while (at < text.length && at - from < LOCAL_MAX && /[A-Za-z0-9._%+-]/.test(text.charAt(at))) at++;
    if (at >= text.length) return ALIVE;
    if (text.charAt(at) !== '@') return DEAD;
    const host = at + 1;
    let label = host;
    for (at = host; at < text.length && at - host < HOST_MAX; at++) {
      const sign = text.charAt(at);
      if (sign === '.') label = at + 1;
      else if (!/[A-Za-z0-9-]/.test(sign)) return DEAD;
      else if (label > host && at - label === 1 && /^[A-Za-z]{2}$/.test(text.slice(label, at + 1)))
        return at + 1;
    }
    return at >= text.length ? ALIVE : DEAD;
  },
};

/** Characters between two of a number. */
const gap = /[ .\-()\u00a0\u202f]/;
const GAPS_MAX = 2;

function numberDetector({ first, length, valid, sign, begins }: Numbers): Pick<Detector, 'first' | 'read'> {
  return {
    first,
    read(text, from, before) {
      if (wordSign.test(before) || before === '+') return DEAD;
      if (begins !== undefined && text.length > from + 1 && !begins.test(text.slice(from, from + 2)))
        return DEAD;
      let number = '';
      let gaps = 0;
      for (let at = from; at < text.length; at++) {
        const character = text.charAt(at);
        if (at === from || sign.test(character)) {
          number += character;
          gaps = 0;
          const wanted = length(number);
          if (wanted === 0) return DEAD;
          if (number.length === wanted) return valid(number) ? at + 1 : DEAD;
        } else if (!gap.test(character) || ++gaps > GAPS_MAX) return DEAD;
      }
      return ALIVE;
    },
  };
}

/** By the networks' prefixes; 0 for none of them. */
function cardLength(beginning: string): number | undefined {
  if (beginning.startsWith('4')) return 16;
  if (beginning.length < 2) return undefined;
  const two = Number(beginning.slice(0, 2));
  if (two === 34 || two === 37) return 15;
  return (two >= 51 && two <= 55) || (two >= 22 && two <= 27) || two === 60 || two === 65 ? 16 : 0;
}

/** H. P. Luhn's check digit. */
function luhn(number: string): boolean {
  let sum = 0;
  for (let index = 0; index < number.length; index++) {
    const digit = Number(number.charAt(number.length - 1 - index)) * (1 + (index % 2));
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}

/** Lengths of the registry of ISO 13616 for Europe. */
const ibanLengths = new Map(
  'AD24 AT20 BE16 BG22 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GR27 HR21 HU28 IE22 IS26 IT27 LI21 LT20 LU20 LV21 MC27 MT31 NL18 NO15 PL28 PT25 RO24 SE24 SI19 SK24 SM27'
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

function ibanLength(beginning: string): number | undefined {
  if (beginning.length < 2) return undefined;
  if (beginning.length >= 3 && !/^[A-Z]{2}\d{1,2}/.test(beginning)) return 0;
  return ibanLengths.get(beginning.slice(0, 2)) ?? 0;
}

function modulo97(iban: string): number {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
