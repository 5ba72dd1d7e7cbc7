import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isInstalled } from '../../sandbox/models.js';
import { childrenRunning, eventually, noBreaker, startAppliance } from '../chat/support.js';

// The tests run from dist/; the model stays where it is.
const model = fileURLToPath(new URL('../../../test/fixtures/models/tiny-chat.gguf', import.meta.url));

test.runIf(isInstalled('node-llama-cpp'))(
  'where models may not answer, the embedded one leaves the memory, and comes back with the next prompt',
  async () => {
    const setLevel = fileURLToPath(new URL('./set-level.fixture.js', import.meta.url));
    const appliance = await startAppliance({
      ...noBreaker,
      ARKALIA_ENGINES_ORDER: 'embedded,navigator',
      ARKALIA_ENGINES_EMBEDDED_MODEL_FILE: model,
      ARKALIA_ENGINES_EMBEDDED_THREADS: '1',
      ARKALIA_ENGINES_EMBEDDED_CONTEXT_TOKENS: '256',
      ARKALIA_MODULES_ENABLED: `zeroia,reflexia,sandozia,assistantia,${setLevel},helloria`,
    });
    try {
      const ask = async () => {
        const messages = [{ role: 'user', content: 'ping' }];
        const body = { model: 'tiny-chat', temperature: 0, max_tokens: 64, messages };
        return (await appliance.post('/v1/chat/completions', body)).status;
      };
      const loaded = async () => ((await appliance.json('/api/ps')).models as unknown[]).length;
      const processes = () => childrenRunning(appliance, 'model-host.js').length;
      const level = (name: string) => appliance.post('/set-level', { level: name });

      expect(await ask()).toBe(200);
      expect([await loaded(), processes()]).toEqual([1, 1]);
      // Less is said, by the same model.
      await level('heavy');
      expect([await loaded(), processes()]).toEqual([1, 1]);
      await level('emergency');
      await eventually(async () => ((await loaded()) + processes() === 0 ? true : undefined));
      expect(await ask()).toBe(503);
      expect(processes()).toBe(0);
      await level('normal');
      expect(await ask()).toBe(200);
      expect([await loaded(), processes()]).toEqual([1, 1]);
    } finally {
      await appliance.close();
    }
  },
  60_000,
);
