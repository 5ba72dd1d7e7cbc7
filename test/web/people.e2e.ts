import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { cli } from '../http/cli.js';
import { TestAppliance } from '../support/appliance.js';
import { ask, axe, launch, openPage } from './browser.js';

const secret = 'correct horse battery';
let browser: Browser;
let dataDir: string;
let appliance: TestAppliance;

const start = async (env: Record<string, string>) => {
  appliance = await TestAppliance.start({ dataDir, env: { ARKALIA_ZEROIA_ACT: 'false', ...env } });
};
const run = (...argv: string[]) =>
  cli([...argv, '--data', dataDir], { cwd: dataDir, env: { USER_PASSWORD: secret } });

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'arkalia-people-'));
  await start({ ARKALIA_HTTP_LOOPBACK_ROLE: 'none' });
  for (const [name, role] of [
    ['root', 'admin'],
    ['ada', 'user'],
  ] as const) {
    const { code, stderr } = await run('users', 'add', name, '--role', role);
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

/** Fills the form for a name and a password. */
async function enter(page: Page, user: string, password = secret): Promise<void> {
  const form = page.locator('[data-password]');
  await form.locator('input[autocomplete=username]').fill(user);
  await form.locator('input[type=password]').fill(password);
  await form.locator('button[type=submit]').click();
}

test.each([
  ['en-GB', 'Change password', 'Remove', '“ada” has another password.'],
  ['fr-FR', 'Changer le mot de passe', 'Retirer', '« ada » a un autre mot de passe.'],
])(
  '%s: an administrator gives a person another password and removes a person',
  async (locale, change, remove, done) => {
    const { page, context, wrong } = await openPage(browser, `${appliance.url}#/settings`, { locale });
    const other = await openPage(browser, `${appliance.url}#/settings`, { locale });
    try {
      await enter(page, 'root');
      await enter(other.page, 'ada');
      await other.page.locator('[data-role=user]').waitFor();
      await page.locator('[data-user=ada]').getByRole('button', { name: change }).click();
      const dialog = page.getByRole('dialog');
      await dialog.locator('input').fill('short');
      await dialog.getByRole('button', { name: change }).click();
      expect(await dialog.isVisible()).toBe(true);
      await dialog.locator('input').fill('another horse battery');
      expect(await axe(page)).toEqual([]);
      await dialog.getByRole('button', { name: change }).click();
      await page.getByText(done).waitFor();
      // Who was signed in is told, and comes back with the new password only.
      await other.page.locator('[data-password]').waitFor({ timeout: 30_000 });
      await other.page.locator('[data-ended]').waitFor();
      await enter(other.page, 'ada');
      await other.page
        .getByRole('alert')
        .filter({ hasText: /wrong|faux/ })
        .waitFor();
      await enter(other.page, 'ada', 'another horse battery');
      await other.page.locator('[data-role=user]').waitFor();

      await page.locator('[data-user=ada]').getByRole('button', { name: remove }).click();
      await page.getByRole('dialog').getByRole('button', { name: remove }).click();
      await page.locator('[data-user=ada]').waitFor({ state: 'detached' });
      expect([wrong, other.wrong]).toEqual([[], []]);
    } finally {
      await context.close();
      await other.context.close();
    }
  },
);

test.each([
  [
    'en-GB',
    'Change my password',
    'Change password',
    'The current password is wrong.',
    'Your password is changed.',
  ],
  [
    ...['fr-FR', 'Changer mon mot de passe', 'Changer le mot de passe'],
    ...['Le mot de passe actuel est faux.', 'Votre mot de passe est changé.'],
  ],
])('%s: a person changes their own password', async (locale, open, change, wrongText, done) => {
  const { page, context, wrong } = await openPage(browser, `${appliance.url}#/settings`, { locale });
  try {
    await enter(page, 'ada');
    await page.getByRole('button', { name: open! }).click();
    const dialog = page.locator('[data-own-password]');
    const fill = async (...words: string[]) => {
      for (const [place, word] of words.entries()) await dialog.locator('input').nth(place).fill(word);
      await dialog.getByRole('button', { name: change! }).click();
    };
    expect(await axe(page)).toEqual([]);
    const next = 'another horse battery';
    await fill(secret, next, `${next}!`);
    await dialog.getByRole('alert').waitFor();
    await fill('wrong wrong wrong', next, next);
    await dialog.getByText(wrongText!).waitFor();
    await fill(secret, next, next);
    await page.getByText(done!).waitFor();
    await page.locator('[data-who]', { hasText: 'ada' }).waitFor();
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
});

test('a session whose time is over says so, keeps what was written, and goes on after signing in again', async () => {
  await appliance.close();
  await start({ ARKALIA_HTTP_LOOPBACK_ROLE: 'none', ARKALIA_HTTP_LOGIN_MS: '60000' });
  const { page, context, wrong } = await openPage(browser, `${appliance.url}#/chat`);
  try {
    await enter(page, 'ada');
    await ask(page, 'How are you?');
    await page.locator('#question').fill('a question half writ');
    await page.locator('[data-ended]').waitFor({ timeout: 90_000 });
    expect(await axe(page)).toEqual([]);
    await enter(page, 'ada');
    await expect.poll(() => page.locator('#question').inputValue()).toBe('a question half writ');
    await expect.poll(() => page.locator('article').count()).toBe(1);
    await ask(page, 'And now?');
    expect(await page.locator('article[data-state=done]').count()).toBe(2);
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
}, 180_000);

test('on the device itself, whose session was ended goes on as anybody there, is told, and may sign in again', async () => {
  await appliance.close();
  await start({});
  const { page, context, wrong } = await openPage(browser, `${appliance.url}#/settings`);
  try {
    await page.locator('[data-role=operator]').waitFor();
    await page.getByRole('button', { name: 'Sign in with a key' }).click();
    await enter(page, 'root');
    await page.locator('[data-role=admin]').waitFor();
    expect((await run('users', 'password', 'root')).code).toBe(0);
    const told = page.locator('[data-ended]');
    await told.waitFor({ timeout: 30_000 });
    await page.locator('[data-role=operator]').waitFor();
    expect(await axe(page)).toEqual([]);
    await told.getByRole('button', { name: 'Sign in again' }).click();
    await enter(page, 'root');
    await page.locator('[data-role=admin]').waitFor();
    await told.waitFor({ state: 'hidden' });
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
});

test('who may ask only verifies their own answers, too', async () => {
  const { page, context, wrong } = await openPage(browser, `${appliance.url}#/chat`);
  try {
    await enter(page, 'ada');
    await ask(page, 'How are you?');
    await page.getByRole('button', { name: /^Verify/ }).click();
    await page.locator('[data-verified=true]').waitFor();
    expect(wrong).toEqual([]);
  } finally {
    await context.close();
  }
});
