/** How far a counter has grown since the last reading; the first reading only sets the mark. */
export function since(counter: () => number): () => Promise<number | undefined> {
  let before: number | undefined;
  return async () => {
    const now = counter();
    const grown = before === undefined ? undefined : now - before;
    before = now;
    return grown;
  };
}
