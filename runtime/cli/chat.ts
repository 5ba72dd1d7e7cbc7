import { printable } from '../contracts/text.js';
import { postJson, problemText } from './http.js';
import { readSse } from './sse.js';

export interface ChatFlags {
  url: string;
  key?: string;
  session?: string;
  model?: string;
}

interface Done {
  engine: string;
  model: string;
  session_id: string;
  finish_reason: string;
  reasons: { en: string }[];
  receipt: { index: number; leaf_hash: string };
}

/** Asks the running server and prints the answer as it comes; ends with who spoke and the receipt. Returns the exit code. */
export async function chat(message: string, flags: ChatFlags): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  try {
    return await ask(message, flags, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    console.error('\nstopped');
    return 130;
  }
}

async function ask(message: string, flags: ChatFlags, signal: AbortSignal): Promise<number> {
  const body = { message, stream: true, session_id: flags.session, model: flags.model };
  const response = await postJson(flags.url, '/chat', body, { key: flags.key, signal });
  if (!response.ok || response.body === null) {
    console.error(problemText(response.status, await response.text()));
    return 1;
  }
  for await (const { event, data } of readSse(response.body)) {
    if (event === 'delta') {
      process.stdout.write(printable((JSON.parse(data) as { text: string }).text, { lines: true }));
    } else if (event === 'done') {
      const done = JSON.parse(data) as Done;
      console.log();
      for (const reason of done.reasons) console.error(`cut by the guard: ${printable(reason.en)}`);
      const { index, leaf_hash } = done.receipt;
      console.error(
        printable(
          `— ${done.engine}/${done.model}, session ${done.session_id}, ledger event ${index}, leaf ${leaf_hash.slice(0, 16)}…`,
        ),
      );
      return done.finish_reason === 'content_filter' ? 1 : 0;
    } else if (event === 'error') {
      console.error(`\n${problemText((JSON.parse(data) as { status: number }).status, data)}`);
      return 1;
    }
  }
  console.error('\nthe stream broke off before its end; the answer is not complete');
  return 1;
}
