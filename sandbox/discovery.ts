import { addressOf, type Endpoint, type ServerEngine } from './broker.js';
import { isCount, isRecord } from './check.js';
import type { EnginesOptions, RemoteEngineOptions } from './options.js';
import { type EngineView, SandboxError } from './types.js';
import { askUpstream } from './upstream.js';
import { absent, found, namesIn } from './views.js';

export interface Found {
  view: EngineView;
  /** Where prompts go; absent when nothing usable is there. */
  endpoint?: Endpoint;
}

export interface DiscoveryOptions {
  engines: EnginesOptions;
  viaToken: string;
  /** Authorization header for the OpenAI-compatible server. */
  authorization?: string | undefined;
  ollamaProbeUrl: string;
  openaiProbeUrl: string;
}

/** An inquiry must be answered quickly and briefly; it is asked at start, and nobody waits for it. */
const inquiryConnectMs = 1000;
const inquiryIdleMs = 2000;
const inquiryBytesMax = 1_048_576;

/** Asks the engines that are servers what they are and which models they have. */
export class Discovery {
  readonly #options: DiscoveryOptions;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  async find(engine: ServerEngine, signal: AbortSignal): Promise<Found> {
    const { engines, ollamaProbeUrl, openaiProbeUrl } = this.#options;
    const configured = engines[engine];
    if (configured.url === undefined && !engines.probe)
      return { view: absent(engine, `engines.${engine}.url is not set, and engines.probe is off.`) };
    const probed = configured.url === undefined;
    const base = new URL(configured.url ?? (engine === 'ollama' ? ollamaProbeUrl : openaiProbeUrl));
    const endpoint: Endpoint = {
      base,
      connectTimeoutMs: configured.connect_timeout_ms,
      idleTimeoutMs: configured.idle_timeout_ms,
      // The key belongs to the configured server, not to whatever listens on a port of this machine.
      ...(engine === 'openai' && !probed ? { authorization: this.#options.authorization } : {}),
    };
    const ask = (path: string) => this.#ask(endpoint, path, signal);
    try {
      const view =
        engine === 'ollama'
          ? await findOllama(ask, configured, base)
          : await findOpenai(ask, configured, base, probed);
      return view.state === 'found' ? { view, endpoint } : probed ? { view } : { view, endpoint };
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error;
      const view = absent(engine, `${error.message} ${cureOf(engine, probed)}`, base.href);
      // A configured server may come up later; one that is ourselves or was only looked for is never asked.
      return probed || error.code === 'loop_detected' ? { view } : { view, endpoint };
    }
  }

  /** The JSON at a path; undefined when the answer is no success or no JSON. */
  async #ask(endpoint: Endpoint, path: string, signal: AbortSignal): Promise<unknown> {
    const response = await askUpstream({
      url: addressOf(endpoint.base, path),
      method: 'GET',
      authorization: endpoint.authorization,
      viaToken: this.#options.viaToken,
      connectTimeoutMs: Math.min(endpoint.connectTimeoutMs, inquiryConnectMs),
      idleTimeoutMs: inquiryIdleMs,
      bytesMax: inquiryBytesMax,
      signal,
    });
    let text = '';
    for await (const chunk of response.chunks) text += chunk;
    if (response.status !== 200) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }
}

type Ask = (path: string) => Promise<unknown>;

async function findOllama(ask: Ask, configured: RemoteEngineOptions, base: URL): Promise<EngineView> {
  const [version, tags] = await Promise.all([ask('/api/version'), ask('/api/tags')]);
  if (
    !isRecord(version) ||
    typeof version.version !== 'string' ||
    !isRecord(tags) ||
    !Array.isArray(tags.models)
  )
    return absent('ollama', `What answers at ${base.origin} is not Ollama.`, base.href);
  return found('ollama', {
    where: base.href,
    models: namesIn(tags.models, 'name'),
    configured: configured.model,
    cure: 'pull one, for example `ollama pull llama3.2:1b`',
  });
}

/** A configured server needs a list of models; one that was only found on the port must be llama.cpp's. */
async function findOpenai(
  ask: Ask,
  configured: RemoteEngineOptions,
  base: URL,
  probed: boolean,
): Promise<EngineView> {
  const list = await ask('/v1/models');
  if (!isRecord(list) || !Array.isArray(list.data))
    return absent(
      'openai',
      `What answers at ${base.origin} is no OpenAI-compatible server that can be used.`,
      base.href,
    );
  const props = await ask('/props');
  if (probed && !(await isLlamaCpp(ask, list.data, props)))
    return absent('openai', `What answers at ${base.origin} is not llama.cpp's server.`, base.href);
  return found('openai', {
    slots: slotsIn(props),
    contextTokens: contextIn(props),
    where: base.href,
    models: namesIn(list.data, 'id'),
    configured: configured.model,
    cure: 'load one in that server, or set engines.openai.model',
  });
}

/** What llama.cpp's server says of how many prompts it works on at once. */
function slotsIn(props: unknown): number | undefined {
  const slots = isRecord(props) ? props.total_slots : undefined;
  return isCount(slots) && slots > 0 ? slots : undefined;
}

/** What llama.cpp's server says of the context of one slot. */
function contextIn(props: unknown): number | undefined {
  const settings = isRecord(props) ? props.default_generation_settings : undefined;
  const tokens = isRecord(settings) ? settings.n_ctx : undefined;
  return isCount(tokens) && tokens > 0 ? tokens : undefined;
}

async function isLlamaCpp(ask: Ask, models: unknown[], props: unknown): Promise<boolean> {
  const health = await ask('/health');
  if (isRecord(props) && isRecord(props.default_generation_settings)) return true;
  const first = models[0];
  return (
    isRecord(first) && first.owned_by === 'llamacpp' && isRecord(health) && typeof health.status === 'string'
  );
}

function cureOf(engine: ServerEngine, probed: boolean): string {
  const program = engine === 'ollama' ? 'Ollama' : "llama.cpp's server";
  return probed
    ? `Start ${program}, or set engines.${engine}.url.`
    : `Check engines.${engine}.url and that server.`;
}
