import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** @throws Error that says how to get a browser when there is none. */
export function chromiumPath(): string {
  const found = places.find((place) => place !== undefined && existsSync(place));
  if (found !== undefined) return found;
  throw new Error(
    'The tests of the page need Chromium and there is none. On Debian: apt-get install chromium. Elsewhere: set CHROMIUM to its path.',
  );
}

/** A headless Chromium of its own. The build machine runs as root, where Chromium's sandbox cannot start. */
export function launch(args: string[] = []): Promise<Browser> {
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: chromiumPath(), args: [...asRoot, ...args] });
}

export const phone = { width: 390, height: 844 };
export const desktop = { width: 1360, height: 850 };

/** A page, and everything in it that should not have happened: thrown errors, and what the policy refused. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; context: BrowserContext; wrong: string[] }> {
  const context = await browser.newContext({ viewport: phone, locale: 'en-GB', ...options });
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on('pageerror', (error) => wrong.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted ?Type/i.test(message.text())) wrong.push(message.text());
  });
  await page.goto(url);
  return { page, context, wrong };
}

const signInWords = {
  'en-GB': { sign: 'Sign in with a key', key: 'Key', submit: 'Sign in' },
  'fr-FR': { sign: 'Se connecter avec une clé', key: 'Clé', submit: 'Se connecter' },
};

/** Signs in on the page Settings with a key. */
export async function signInByKey(page: Page, key: string, locale: keyof typeof signInWords): Promise<void> {
  const t = signInWords[locale];
  await page.getByRole('button', { name: t.sign }).click();
  await page.getByLabel(t.key, { exact: true }).fill(key);
  await page.getByRole('button', { name: t.submit, exact: true }).click();
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  id: string;
  impact: string | null;
  nodes: { html: string; failureSummary?: string }[];
}

/** What axe finds against WCAG 2.2 AA, in words; its script goes in by the debugger, which no policy concerns. */
export async function axe(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  const violations = (await page.evaluate(`axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
  }).then((result) => result.violations)`)) as Violation[];
  return violations.map(
    ({ id, impact, nodes }) =>
      `${impact} ${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary ?? ''}`).join(' | ')}`,
  );
}

/** Asks in the chat and waits until the answer has ended. */
export async function ask(page: Page, question: string): Promise<void> {
  await page.locator('#question').fill(question);
  await page.keyboard.press('Enter');
  await page
    .locator('article')
    .last()
    .and(page.locator(':not([data-state=waiting]):not([data-state=streaming])'))
    .waitFor();
}
