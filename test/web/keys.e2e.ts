import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestAppliance } from '../support/appliance.js';
import { administered } from './administered.js';
import { axe, launch, openPage, signInByKey } from './browser.js';

const words = {
  'en-GB': {
    name: 'Name',
    make: 'Make a key',
    limits: 'Limits of the new key',
    chat: 'Chat',
    operate: 'Operating',
    models: 'Models, with commas between',
    rate: 'Requests a minute',
    tokens: 'Tokens a day',
    day: 'Last day',
    revoke: 'Revoke',
  },
  'fr-FR': {
    name: 'Nom',
    make: 'Créer une clé',
    limits: 'Limites de la nouvelle clé',
    chat: 'Discuter',
    operate: 'Exploiter',
    models: 'Modèles, séparés par des virgules',
    rate: 'Requêtes par minute',
    tokens: 'Jetons par jour',
    day: 'Dernier jour',
    revoke: 'Révoquer',
  },
};

let browser: Browser;
let appliance: TestAppliance;
let key: string;
beforeAll(async () => {
  browser = await launch();
  ({ appliance, key } = await administered());
});
afterAll(async () => {
  await browser.close();
  await appliance.close();
});

const asked = (path: string, token: string) =>
  fetch(appliance.url + path, { headers: { authorization: `Bearer ${token}` } });

test.each(Object.keys(words) as (keyof typeof words)[])(
  'an administrator makes a narrowed key on the page and revokes it (%s)',
  async (locale) => {
    const t = words[locale];
    const { page, context, wrong } = await openPage(browser, `${appliance.url}/#/settings`, { locale });
    try {
      const keys = page.locator('[data-keys]');
      expect(await keys.locator('form').count()).toBe(0);
      await signInByKey(page, key, locale);
      await keys.getByLabel(t.name, { exact: true }).fill('phone');
      await keys.getByText(t.limits).click();
      // What the role may not do is not offered, and a choice does not outlive it.
      expect(await keys.getByLabel(t.operate, { exact: true }).count()).toBe(0);
      await keys.locator('select').selectOption('operator');
      await keys.getByLabel(t.operate, { exact: true }).check();
      await keys.locator('select').selectOption('user');
      await keys.getByLabel(t.chat, { exact: true }).check();
      await keys.getByLabel(t.models).fill(' arkalia, ');
      await keys.getByLabel(t.rate).fill('60');
      await keys.getByLabel(t.tokens).fill('5000');
      await keys.getByLabel(t.day).fill('2099-12-31');
      expect(await axe(page)).toEqual([]);
      await keys.getByRole('button', { name: t.make }).click();
      const made = await keys.locator('[data-made]').innerText();
      const { keys: list } = (await (await asked('/keys', key)).json()) as { keys: { name: string }[] };
      expect(list.find(({ name }) => name === 'phone')).toMatchObject({
        role: 'user',
        scopes: ['chat'],
        models: ['arkalia'],
        requests_per_minute: 60,
        tokens_per_day: 5000,
        expires_ms: new Date(2099, 11, 31, 23, 59, 59, 999).getTime(),
      });
      expect((await asked('/v1/models', made)).status).toBe(200);
      expect((await asked('/status', made)).status).toBe(403);
      expect(await keys.locator('[data-key=phone]').innerText()).toContain('60');
      await keys.getByRole('button', { name: `${t.revoke}: phone` }).click();
      await page.locator('dialog[open]').getByRole('button', { name: t.revoke, exact: true }).click();
      await keys.locator('[data-key=phone]').waitFor({ state: 'detached' });
      expect((await asked('/v1/models', made)).status).toBe(401);
      expect(wrong).toEqual([]);
    } finally {
      await context.close();
    }
  },
);
