import { defineConfig } from 'vitest/config';

/** The page in a browser, against the real server: `npm run build && npm run test:web`. */
export default defineConfig({
  test: {
    root: new URL('../../', import.meta.url).pathname,
    include: ['dist/test/web/*.e2e.js'],
    pool: 'forks',
    // Browsers are large: one file at a time.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    retry: process.env.CI ? 1 : 0,
  },
});
