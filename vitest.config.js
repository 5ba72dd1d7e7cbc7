import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Tests run as compiled JavaScript, so that worker threads and child processes start from the very files that ship. The page's own
// logic ships through Vite, and so is tested through it.
export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: [
            'dist/{core-wasm,runtime,modules,sandbox}/**/*.test.js',
            'modules/nyxalia/web/src/**/*.test.ts',
          ],
          // A process for each of these many small files would take several times as long as what is in them. So none replaces a
          // module for all others: what needs that stands in test/.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'appliance', include: ['dist/test/**/*.test.js'] } },
    ],
    pool: 'forks',
    // Most tests wait for processes and disks: two workers would leave a machine of two cores idle for a third of the time.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    // Properties run many more times in a long run.
    testTimeout: process.env.ARKALIA_TEST_LONG ? 600_000 : 30_000,
    hookTimeout: 30_000,
    // On a shared CI machine a test that failed is run once more; the report marks it.
    retry: process.env.CI ? 1 : 0,
  },
});
