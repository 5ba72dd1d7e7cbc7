import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import type { TestAppliance } from '../support/appliance.js';
import { administered } from './administered.js';
import { axe, launch, openPage, signInByKey } from './browser.js';

const fixture = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));
const words = {
  'en-GB': {
    add: 'Add',
    use: 'Use: second',
    remove: 'Remove: second',
    sure: 'Remove',
    inUse: 'in use',
  },
  'fr-FR': {
    add: 'Ajouter',
    use: 'Utiliser: second',
    remove: 'Retirer: second',
    sure: 'Retirer',
    inUse: 'utilisé',
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

test.each(Object.keys(words) as (keyof typeof words)[])(
  'an administrator adds, chooses and removes model files on the page (%s)',
  async (locale) => {
    const t = words[locale];
    const { page, context, wrong } = await openPage(browser, `${appliance.url}/#/settings`, { locale });
    try {
      expect(await page.locator('[data-models]').count()).toBe(0);
      await signInByKey(page, key, locale);
      const models = page.locator('[data-models]');
      for (const name of ['first', 'second']) {
        await models.locator('input[type=file]').setInputFiles(fixture);
        const field = models.locator('form').first().locator('input').nth(1);
        expect(await field.inputValue()).toBe('tiny-chat');
        await field.fill(name);
        await models.getByRole('button', { name: t.add, exact: true }).click();
        await models.locator(`[data-model=${name}]`).waitFor();
      }
      expect(await models.locator('[data-model=first]').innerText()).toContain(t.inUse);
      expect(await models.locator('[data-model=first]').innerText()).toContain('Q8_0');
      expect(await axe(page)).toEqual([]);
      await models.getByRole('button', { name: t.use }).click();
      await models.locator('[data-model=second] .pill').waitFor();
      await models.getByRole('button', { name: t.remove }).click();
      await page.locator('dialog[open]').getByRole('button', { name: t.sure, exact: true }).click();
      await models.locator('[data-model=second]').waitFor({ state: 'detached' });
      expect(wrong).toEqual([]);
    } finally {
      await context.close();
    }
    const argv = ['models', 'remove', 'first', '--data', appliance.dataDir];
    expect((await cli(argv, { cwd: appliance.dataDir })).code).toBe(0);
  },
);
