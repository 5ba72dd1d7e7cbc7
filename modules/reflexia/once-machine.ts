import type { Machine } from './sensors/sensor.js';

/**
 * The same machine, on which each file is read and each command run once a sample, for however many sensors ask. `forget` begins the next
 * sample.
 */
export function onceMachine(machine: Machine): Machine & { forget(): void } {
  const texts = new Map<string, Promise<string>>();
  const once = (key: string, ask: () => Promise<string>) => {
    const known = texts.get(key);
    if (known !== undefined) return known;
    const asked = ask();
    texts.set(key, asked);
    return asked;
  };
  return {
    ...machine,
    readText: (path, signal) => once(path, () => machine.readText(path, signal)),
    run: (command, args, signal) =>
      once([command, ...args].join('\0'), () => machine.run(command, args, signal)),
    forget: () => texts.clear(),
  };
}
