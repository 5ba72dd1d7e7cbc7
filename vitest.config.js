import { defineConfig } from 'vitest/config';

// Tests run as compiled JavaScript, so that worker threads and child processes start from the very files that ship.
export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
