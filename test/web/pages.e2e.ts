import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAppliance } from '../support/appliance.js';
import { ask, axe, desktop, launch, openPage, phone } from './browser.js';

let appliance: TestAppliance;
let browser: Browser;
beforeAll(async () => {
  appliance = await TestAppliance.start({ env: { ARKALIA_REFLEXIA_INTERVAL_MS: '500' } });
  browser = await launch();
});
afterAll(async () => {
  await browser.close();
  await appliance.close();
});

const titles = {
  en: {
    chat: 'Chat',
    device: 'Device',
    decisions: 'Decisions',
    engines: 'Engines',
    ledger: 'Ledger',
    health: 'Health',
    settings: 'Settings',
    more: 'More',
  },
  fr: {
    chat: 'Discussion',
    device: 'Appareil',
    decisions: 'Décisions',
    engines: 'Moteurs',
    ledger: 'Registre',
    health: 'Santé',
    settings: 'Réglages',
    more: 'Plus',
  },
};
type Name = keyof (typeof titles)['en'];
const views = [
  ['phone', phone],
  ['desktop', desktop],
] as const;
const locales = [
  ['en', 'en-GB'],
  ['fr', 'fr-FR'],
] as const;
const cases = (Object.keys(titles.en) as Name[]).flatMap((name) =>
  views.flatMap(([view, viewport]) =>
    locales.map(([language, locale]) => ({ name, view, viewport, language, locale })),
  ),
);

describe.each(cases)('$name on a $view in $language', ({ name, viewport, language, locale }) => {
  test.each(['light', 'dark'] as const)('in %s colours', async (colorScheme) => {
    const { page, context, wrong } = await openPage(browser, `${appliance.url}/#/${name}`, {
      viewport,
      locale,
      colorScheme,
    });
    await page.locator('h1', { hasText: titles[language][name] }).waitFor({ state: 'attached' });
    if (name === 'device') await page.locator('[data-figure=cpu] canvas').waitFor();
    if (name === 'chat')
      await ask(page, language === 'en' ? 'How much memory is in use?' : 'Quelle est la mémoire utilisée ?');
    const first = page.locator('details summary').first();
    if (name === 'decisions' || name === 'ledger') await first.click();
    expect(await page.locator('html').getAttribute('lang')).toBe(language);
    expect(await axe(page)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
    expect(wrong).toEqual([]);
    await context.close();
  });
});
