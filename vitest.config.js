import { defineConfig } from 'vitest/config';

// Tests run as compiled JavaScript, so that worker threads and child processes start from the very files that ship.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // On a shared CI machine a test that failed is run once more; the report marks it.
    retry: process.env.CI ? 1 : 0,
  },
});
