import { en, type Texts } from '../text/en.js';
import { fr } from '../text/fr.js';

export const languages = ['en', 'fr'] as const;
type Language = (typeof languages)[number];

const place = 'arkalia.language';
const all: Record<Language, Texts> = { en, fr };

/** The language that the browser asks for first, of those that there are. */
function preferred(asked: readonly string[]): Language {
  for (const tag of asked) {
    const language = languages.find((known) => tag.toLowerCase().split('-')[0] === known);
    if (language !== undefined) return language;
  }
  return 'en';
}

class Speech {
  language = $state<Language>('en');
  t = $derived(all[this.language]);

  constructor() {
    const kept = localStorage.getItem(place);
    this.language = languages.find((known) => known === kept) ?? preferred(navigator.languages);
  }

  /** For numbers and times: with the region that the browser asks for, if it asks for that language. */
  readonly locale = $derived(
    navigator.languages.find((tag) => tag.toLowerCase().startsWith(this.language)) ?? this.language,
  );

  choose(language: Language): void {
    this.language = language;
    localStorage.setItem(place, language);
  }
}

export const speech = new Speech();

/** A number with so many digits behind the point at most. */
export function figure(value: number, digits = 0): string {
  return new Intl.NumberFormat(speech.locale, { maximumFractionDigits: digits }).format(value);
}

const units = ['B', 'kB', 'MB', 'GB', 'TB'];

export function size(bytes: number): string {
  const step = bytes <= 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const unit = speech.language === 'fr' ? units[step]?.replace('B', 'o') : units[step];
  return `${figure(bytes / 1000 ** step, step === 0 ? 0 : 1)} ${unit}`;
}

export function dateTime(ms: number): string {
  return new Intl.DateTimeFormat(speech.locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(ms);
}

/** A length of time in its two largest units, such as `2 d 3 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${figure(ms)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${figure(ms / 1000, seconds < 10 ? 1 : 0)} s`;
  const day = speech.language === 'fr' ? 'j' : 'd';
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), day],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
