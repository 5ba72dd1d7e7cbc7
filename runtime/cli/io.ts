/** What a verb may touch of its process; tests give their own. */
export interface CliIo {
  out(text: string): void;
  /** Resolves when standard output takes more. Who prints without end waits for it, or all that nobody reads stays in memory. */
  outReady(): Promise<void>;
  err(text: string): void;
  env: Record<string, string | undefined>;
  /** Where standard output goes: 80 characters wide unless it says otherwise; in colours only on a terminal, unless NO_COLOR is set. */
  readonly terminal: { columns: number; colours: boolean };
  /** Calls the handler at each SIGINT or SIGTERM until the returned function is called. */
  onSignal(handler: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
  /** Calls the handler with the first error that nobody caught, instead of ending the process. */
  onUncaught(handler: (error: Error) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** 0 done, 1 failed, 2 wrong arguments or configuration, 130 stopped by Ctrl-C. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

export const processIo: CliIo = {
  out: (text) => process.stdout.write(text),
  outReady: async () => {
    // An error while it waits ends the process: main.ts.
    if (process.stdout.writableNeedDrain)
      await new Promise<void>((resolve) => process.stdout.once('drain', () => resolve()));
  },
  err: (text) => process.stderr.write(text),
  env: process.env,
  get terminal() {
    const { columns = 80, isTTY = false } = process.stdout;
    return { columns, colours: isTTY && !process.env.NO_COLOR };
  },
  onSignal: (handler) => {
    process.on('SIGINT', handler);
    process.on('SIGTERM', handler);
    return () => {
      process.off('SIGINT', handler);
      process.off('SIGTERM', handler);
    };
  },
  onUncaught: (handler) => {
    process.once('uncaughtException', handler);
    return () => process.off('uncaughtException', handler);
  },
  exit: (code) => process.exit(code),
};
