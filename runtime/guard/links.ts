import { ALIVE, DEAD, type Detector } from './detector.js';

/** Where an address begins that is fetched or followed: Markdown inline and reference, HTML attributes. */
const openings = ['](', ']: ', 'src=', 'href='] as const;

/** Characters after `?` or `#` from which a link carries data. Video and search links have fewer. */
const DATA_MIN = 48;
/** Length from which an address itself carries data, in its path or host. */
const ADDRESS_MAX = 200;

/** Links that stay on this machine. */
const ownHost = /^(?:[^@/]*@)?(?:localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(?::\d{1,5})?$/i;

/** A link or image of the answer that would carry data to a foreign host: the text before it stays harmless. */
export const linkDetectors: readonly Detector[] = openings.map((opening) => ({
  rule: 'link-carries-data',
  en: 'The answer contains a link or an image that carries data to another host.',
  fr: 'La réponse contient un lien ou une image qui emporte des données vers un autre hôte.',
  first: opening.charAt(0) + opening.charAt(0).toUpperCase(),
  read(text, from) {
    const there = text.slice(from, from + opening.length).toLowerCase();
    if (there !== opening) return opening.startsWith(there) ? ALIVE : DEAD;
    let at = from + opening.length;
    // At most two signs stand between: a space or quote, then a bracket.
    for (let skipped = 0; skipped < 2 && /[ "'<]/.test(text.charAt(at)); skipped++) at++;
    return readAddress(text, at);
  },
}));

function readAddress(text: string, from: number): number {
  const scheme = /^(?:https?:)?\/\//i.exec(text.slice(from, from + 8));
  if (scheme === null) return schemeCanFollow(text.slice(from, from + 8)) ? ALIVE : DEAD;
  const hostFrom = from + scheme[0].length;
  let hostTo = -1;
  let dataFrom = -1;
  for (let at = hostFrom; at < text.length; at++) {
    const sign = text.charAt(at);
    if (hostTo < 0 && /[/?#)\s>"'\\]/.test(sign)) {
      hostTo = at;
      if (ownHost.test(text.slice(hostFrom, hostTo))) return DEAD;
    }
    if (/[)\s>"']/.test(sign)) return DEAD;
    if (dataFrom < 0 && /[?#]/.test(sign)) dataFrom = at + 1;
    if (dataFrom >= 0 && at + 1 - dataFrom >= DATA_MIN) return at + 1;
    if (at + 1 - from >= ADDRESS_MAX) return at + 1;
  }
  return ALIVE;
}

function schemeCanFollow(there: string): boolean {
  const lower = there.toLowerCase();
  return ['https://', 'http://', '//'].some((scheme) => scheme.startsWith(lower));
}
