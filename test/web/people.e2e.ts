import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';
import { launch, openPage } from './browser.js';

const secret = 'correct horse battery';
let browser: Browser;
let dataDir: string;
let appliance: TestAppliance;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-people-'));
  appliance = await TestAppliance.start({
    dataDir,
    env: { ARKALIA_ZEROIA_ACT: 'false', ARKALIA_HTTP_LOOPBACK_ROLE: 'none' },
  });
  for (const [name, role] of [
    ['root', 'admin'],
    ['ada', 'user'],
  ] as const) {
    const argv = ['users', 'add', name, '--role', role, '--data', dataDir];
    const { code, stderr } = await cli(argv, { cwd: dataDir, env: { USER_PASSWORD: secret } });
    expect([code, stderr]).toEqual([0, expect.any(String)]);
  }
});
afterEach(async () => {
  await appliance.close();
  await rm(dataDir, { recursive: true });
});

test.each([
  ['en-GB', 'User name', 'Sign in', 'Sign out', 'That name or password is wrong.'],
  ['fr-FR', 'Nom d’utilisateur', 'Se connecter', 'Se déconnecter', 'Ce nom ou ce mot de passe est faux.'],
])(
  '%s: a person signs in with a password, makes another, and signs out',
  async (locale, nameLabel, signIn, signOut, wrongText) => {
    const { page, context, wrong } = await openPage(browser, `${appliance.url}#/settings`, { locale });
    try {
      const form = page.locator('[data-password]');
      await form.waitFor();
      const enter = async (user: string, password: string) => {
        await form.getByLabel(nameLabel).fill(user);
        await form.locator('input[type=password]').fill(password);
        await form.getByRole('button', { name: signIn }).click();
      };
      await enter('root', 'wrong wrong wrong');
      await page.getByText(wrongText).waitFor();
      await enter('root', secret);
      await page.locator('[data-role=admin]').waitFor();
      await page.locator('[data-who]', { hasText: 'root' }).waitFor();
      // No script of the page can read what it is signed in with.
      expect(
        await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
      ).not.toMatch(/arkalia_login|ey[A-Za-z0-9_-]+\./);
      await page.reload();
      await page.locator('[data-user=ada]').waitFor();
      const people = page.locator('section[aria-labelledby=people]');
      await people.getByLabel(nameLabel).fill('bob');
      await people.locator('input[type=password]').fill(secret);
      await people.locator('form button').click();
      await page.locator('[data-user=bob]').waitFor();
      await page.getByRole('button', { name: signOut, exact: true }).click();
      await form.waitFor();

      await enter('ada', secret);
      await page.locator('[data-role=user]').waitFor();
      expect(await page.locator('[data-user]').count()).toBe(0);
      expect(wrong).toEqual([]);
    } finally {
      await context.close();
    }
  },
);
