import { chromiumPath } from './browser.js';

/** Says where the browser of the tests is, or how to get one. */
try {
  console.log(`Chromium: ${chromiumPath()}`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
