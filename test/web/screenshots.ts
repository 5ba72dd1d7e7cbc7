import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { TestAppliance } from '../support/appliance.js';
import { ask, desktop, launch, openPage, phone } from './browser.js';

/**
 * `npm run screenshots`: the pictures of the README, of the product as it runs here, in both themes. Nothing is drawn: the device is this one, the
 * answers are the navigator's, the decisions were asked for.
 */
const folder = fileURLToPath(new URL('../../../docs/screenshots/', import.meta.url));
/** How long the device is watched first, so that its plots show something. */
const watchedMs = 30_000;

interface Scene {
  name: string;
  part: string;
  viewport: typeof desktop;
  act(page: Page): Promise<void>;
}
const scenes: Scene[] = [
  {
    name: 'chat',
    part: 'chat',
    viewport: phone,
    act: async (page) => {
      await ask(page, 'How are you?');
      await page.getByRole('button', { name: /^Verify/ }).click();
      await page.locator('[data-verified=true]').waitFor();
    },
  },
  {
    name: 'device',
    part: 'device',
    viewport: desktop,
    act: async (page) => page.locator('[data-figure=cpu] canvas').waitFor(),
  },
  {
    name: 'decisions',
    part: 'decisions',
    viewport: desktop,
    act: async (page) => page.locator('details summary').first().click(),
  },
];

const appliance = await TestAppliance.start({ env: { ARKALIA_REFLEXIA_INTERVAL_MS: '1000' } });
const browser = await launch();
try {
  await mkdir(folder, { recursive: true });
  for (const [cpu, ram, severity] of [
    [35, 40, 'normal'],
    [65, 58, 'low'],
    [85, 70, 'high'],
  ] as const)
    await appliance.post('/zeroia/decisions', { cpu, ram, severity });
  await new Promise((resolve) => setTimeout(resolve, watchedMs));
  for (const colorScheme of ['light', 'dark'] as const)
    for (const { name, part, viewport, act } of scenes) {
      const { page, context, wrong } = await openPage(browser, `${appliance.url}/#/${part}`, {
        viewport,
        colorScheme,
      });
      await page.locator('h1').first().waitFor({ state: 'attached' });
      await act(page);
      if (wrong.length > 0) throw new Error(`the page said: ${wrong.join('; ')}`);
      const file = `${name}-${colorScheme}.png`;
      await page.screenshot({ path: join(folder, file), animations: 'disabled' });
      console.log(`docs/screenshots/${file}`);
      await context.close();
    }
} finally {
  await browser.close();
  await appliance.close();
}
