import { frames, noBreaker, status } from '../../../chat/support.js';
import type { TestAppliance } from '../../../support/appliance.js';
import { type Script, ScriptedUpstream } from '../../../support/scripted-upstream.js';
import type { FaultKind, Outcome } from '../kind.js';
import { chats, until, untilRestored } from '../restored.js';
import { startBreakable } from '../servers.js';

const silenceMs = 500;
const pieces = ['One. ', 'Two. '];

type Hurt = (
  parts: { appliance: TestAppliance; upstream: ScriptedUpstream; stop: () => Promise<void> },
  random: () => number,
) => Promise<Outcome>;

/** A server with an engine in front of navigator; after each round the engine is well and known again. */
function engineKind(about: Pick<FaultKind, 'name' | 'about' | 'waitsFor'>, hurt: Hurt): FaultKind {
  return {
    ...about,
    open: async () => {
      let upstream = await ScriptedUpstream.start();
      const { port } = upstream;
      const appliance = await startBreakable({
        ...noBreaker,
        ARKALIA_ENGINES_OPENAI_URL: upstream.url,
        ARKALIA_ENGINES_OPENAI_IDLE_TIMEOUT_MS: String(silenceMs),
        ARKALIA_ENGINES_ORDER: 'openai,navigator',
        ARKALIA_RECOVERY_LOOK_MS: '100',
        ARKALIA_RECOVERY_BACKOFF_MS: '100',
        ARKALIA_RECOVERY_BACKOFF_MAX_MS: '200',
      });
      const answers = async () => {
        const { engines } = await status(appliance);
        if (engines.find(({ name }) => name === 'openai')?.state !== 'found') return false;
        const before = upstream.prompts.length;
        return (await chats(appliance)) && upstream.prompts.length > before;
      };
      return {
        async round(random) {
          await until(answers, 'the engine');
          let isUp = true;
          const stop = async () => {
            if (isUp) await upstream.close();
            isUp = false;
          };
          const outcome = await hurt({ appliance, upstream, stop }, random);
          await stop();
          upstream = await ScriptedUpstream.start({ port });
          return outcome;
        },
        async close() {
          await appliance.close();
          await upstream.close();
        },
      };
    },
  };
}

/** Breaks the next prompt only, and asks until one is answered. */
async function ask(
  { appliance, upstream }: Parameters<Hurt>[0],
  script: Script,
  knownAfterMs = 0,
): Promise<Outcome> {
  const before = upstream.prompts.length;
  upstream.always(script);
  const faultMs = performance.now();
  const outcome = await untilRestored({ faultMs, knownMs: faultMs + knownAfterMs }, () => chats(appliance));
  if (upstream.prompts.length === before) throw new Error('the engine was not asked');
  return outcome;
}

export const engineDown = engineKind(
  {
    name: 'engine down',
    about: 'The model server stops listening; restored when the next engine of the chain has answered',
  },
  async ({ appliance, stop }) => {
    await stop();
    return untilRestored({ faultMs: performance.now() }, () => chats(appliance));
  },
);

export const engineSlow = engineKind(
  {
    name: 'engine slow',
    about: `It takes the prompt and says nothing; known after engines.openai.idle_timeout_ms (${silenceMs} ms), restored when the next engine has answered`,
  },
  (parts) => ask(parts, { kind: 'stall' }, silenceMs),
);

export const engineLying = engineKind(
  {
    name: 'engine lying',
    about: 'Status 200 with a web page, bytes that are no text, or no HTTP at all; restored as above',
  },
  (parts, random) => {
    const lies: Script[] = [
      { kind: 'raw', chunks: ['<html>\n<p>Hi\n'] },
      { kind: 'raw', chunks: [Buffer.from([0xff, 0xfe, 0x0a])] },
      { kind: 'not_http' },
    ];
    return ask(parts, lies[Math.floor(random() * lies.length)]!);
  },
);

export const engineDiesMidStream = engineKind(
  {
    name: 'engine dies mid-stream',
    about:
      'It breaks off after two words of a stream; restored when the client has read its error and the next prompt is answered whole',
  },
  async ({ appliance, upstream }) => {
    upstream.next({ kind: 'die_mid', pieces });
    const faultMs = performance.now();
    const answer = await appliance.post('/chat', { message: 'Hello', stream: true });
    let last = '';
    for await (const { event } of frames(answer)) last = event;
    if (last !== 'error') throw new Error(`the stream ended with ${last}`);
    return untilRestored({ faultMs }, () => chats(appliance));
  },
);
