import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const command = fileURLToPath(new URL('./main.js', import.meta.url));

test('a reader that has had enough, as head has, ends a verb with 0 and without a word', async () => {
  const child = spawn(process.execPath, [command, 'config', '--markdown'], {
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Gone before the first line: the verb meets a closed pipe whenever it writes.
  child.stdout.destroy();
  let said = '';
  child.stderr.on('data', (piece: Buffer) => {
    said += piece.toString();
  });
  const [code] = await once(child, 'close');
  expect([code, said]).toEqual([0, '']);
});
