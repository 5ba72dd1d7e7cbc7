const IMPORT_SECTION = 2;
const MEMORY_KIND = 2;

/**
 * The pages of the memory that a module imports, from its bytes: the interface of WebAssembly does not tell, and an instance cannot
 * be made without. Throws when there is no import section that begins with a shared memory of a fixed size, as ours do.
 * Source: https://webassembly.github.io/spec/core/binary/modules.html
 */
export function memoryPages(bytes: Uint8Array): number {
  let at = 8;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new Error('the module ends within a number');
  };
  const skipName = (): void => {
    const length = number();
    at += length;
  };
  while (at < bytes.length) {
    const id = number();
    const size = number();
    if (id !== IMPORT_SECTION) {
      at += size;
      continue;
    }
    for (let left = number(); left > 0; left--) {
      skipName();
      skipName();
      const kind = number();
      if (kind !== MEMORY_KIND) {
        // A function: its type. Ours import nothing else.
        number();
        continue;
      }
      const flags = number();
      const initial = number();
      // 3: shared, with a maximum.
      if (flags === 3 && number() === initial) return initial;
      throw new Error('the memory of the module is not shared and of a fixed size');
    }
  }
  throw new Error('the module imports no memory');
}
