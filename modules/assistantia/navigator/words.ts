/** Lower case without accents and apostrophes; everything but letters, digits, `_` and `.` becomes one space. */
export function normalise(text: string): string {
  return text
    .toLowerCase()
    .replace(/œ/g, 'oe')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9_.]+/g, ' ')
    .replace(/\.+(?= |$)/g, '')
    .replace(/(^| )\.+/g, '$1')
    .trim();
}

/** Words by which a language is known and that say nothing about a subject. */
export const commonWords = {
  en: new Set(
    `a about all am an and any are as at be been but by can could did do does doing for from get give go had has have hello help
    hey hi how i if in into is it its just know let many me much my need no not now of off on or our please say should show so
    some tell than thank thanks that the their them then there these they thing this those to up us use used using want was we
    were what when where which who whose why will with would you your`.split(/\s+/),
  ),
  fr: new Set(
    `afin ai aide alors as au aucun aussi aux avec avez avoir bonjour bonsoir c ca ce ceci cela ces cet cette combien comment
    coucou d dans de depuis des dis dois donc du elle elles en encore entre es est et etes etre eu fait faire faut il ils j je l
    la le les leur lui m ma mais me merci mes moi mon montre n ne nos notre nous on ont ou par pas peut peux plus pour pourquoi
    puis qu quand que quel quelle quelles quels qui quoi quelque s sa sais salut sans se sert servent ses si son sont sous sur t ta te tes toi
    ton tous tout toute tu un une va vas veux voir vos votre vous y`.split(/\s+/),
  ),
};
