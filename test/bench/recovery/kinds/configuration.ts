import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultKind } from '../kind.js';
import { chats, decides, incidentAbout, until, untilRestored } from '../restored.js';
import { breakableModules, startKept } from '../servers.js';

const sickModule = `export default () => ({
  name: 'sick', version: '1.0.0', priority: 'optional',
  provision() {}, validate() {}, stop() {}, health: () => ({ state: 'ok' }),
  start() { throw new Error('it never starts'); },
});
`;

const modules = (names: string[]) => `[modules]\nenabled = ${JSON.stringify(names)}\n`;
const good = modules(breakableModules);

/** What a person might write into arkalia.toml; the number makes each one another configuration. */
const harms: ((number: number, sick: string) => string)[] = [
  () => '[http\nport = ',
  (number) => `${good}[guard]\nweights_file = "/nowhere-${number}"\nweights_sha256 = "${'0'.repeat(64)}"\n`,
  (number, sick) =>
    `${modules([...breakableModules, sick])}[limits]\nprompts_per_minute = ${100_000 + number}\n`,
];

export const configurationHarmful: FaultKind = {
  name: 'configuration harmful',
  about:
    'arkalia.toml becomes unreadable, names weights that are not there, or a module that never starts (by the seed), and the server is killed so that it starts with it; restored when the last good one is in force, an incident says so, a decision is durable and a prompt answered',
  waitsFor: 'one or two starts of the whole process, 0.25 s or more of pause before each',
  missing: () => (process.platform === 'linux' ? undefined : 'needs /proc'),
  open: async () => {
    let number = 0;
    return {
      // One server each round: one that was restarted a moment ago waits longer and longer before the next restart.
      async round(random) {
        const folder = mkdtempSync(join(tmpdir(), 'arkalia-configuration-'));
        const file = join(folder, 'arkalia.toml');
        const sick = join(folder, 'sick.mjs');
        writeFileSync(file, good);
        writeFileSync(sick, sickModule);
        // The file names the modules, so that a change of it changes them.
        const server = await startKept({
          ARKALIA_CONFIG: file,
          ARKALIA_RECOVERY_LOOK_MS: '200',
          ARKALIA_MODULES_ENABLED: undefined,
        });
        try {
          number += 1;
          writeFileSync(file, harms[Math.floor(random() * harms.length)]!(number, sick));
          await until(() => chats(server), 'an answer');
          process.kill((await server.serverPid())!, 'SIGKILL');
          const faultMs = performance.now();
          return await untilRestored(
            { faultMs },
            async () =>
              (await incidentAbout(server, 'configuration')) !== undefined &&
              (await decides(server)) &&
              (await chats(server)),
          );
        } finally {
          await server.close();
          rmSync(folder, { recursive: true });
        }
      },
      close: async () => {},
    };
  },
};
