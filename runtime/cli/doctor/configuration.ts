import type { Check } from './finding.js';

/** Whether the configuration can be used. */
export const configurationCheck: Check = {
  name: 'configuration',
  run: ({ config }) => {
    if (!config.ok) {
      return [
        {
          check: 'configuration',
          level: 'fatal',
          found: config.problem,
          todo: 'Correct what is named; "arkalia config --keys" lists every key.',
        },
      ];
    }
    return [
      { check: 'configuration', level: 'ok', found: config.loaded.file ?? 'defaults, no arkalia.toml here' },
    ];
  },
};
