import { readFileSync } from 'node:fs';
import type { Endpoint, ServerEngine } from './broker.js';
import { Discovery } from './discovery.js';
import { findModelFile, isInstalled, type ModelFile, notInstalled } from './models.js';
import type { SandboxOptions } from './options.js';
import type { EngineKind, EngineView } from './types.js';
import { absent } from './views.js';

const engineKinds: readonly EngineKind[] = ['ollama', 'openai', 'embedded', 'navigator'];
const apiKeyLengthMax = 4096;

/** The embedded model: why it cannot be loaded, if so, and whether it is. */
interface ModelState {
  problem(): string | undefined;
  isLoaded(): boolean;
}

/** What is known of the engines: how each was last seen, and where prompts for it go. */
export class EngineDirectory {
  readonly #options: SandboxOptions;
  readonly #model: ModelState;
  readonly #endpoints = new Map<ServerEngine, Endpoint>();
  readonly #ending = new AbortController();
  readonly #authorization: string | undefined;
  #views: EngineView[];
  #refreshing: Promise<EngineView[]> | undefined;

  /** Reads the key of the OpenAI-compatible server; throws when its file is no key. */
  constructor(options: SandboxOptions, model: ModelState) {
    this.#options = options;
    this.#model = model;
    this.#authorization = authorizationIn(options.engines.openai.api_key_file);
    this.#views = engineKinds.map((name) => this.#unasked(name));
  }

  views(): EngineView[] {
    return this.#views.map((view) => ({
      ...view,
      models: [...view.models],
      ...(view.name === 'embedded' && view.state === 'found' ? { loaded: this.#model.isLoaded() } : {}),
    }));
  }

  endpoint(engine: ServerEngine): Endpoint | undefined {
    return this.#endpoints.get(engine);
  }

  modelFile(): ModelFile {
    const { engines, models_dir, models } = this.#options;
    return findModelFile(engines.embedded.model_file, models_dir, models?.chosen());
  }

  uses(name: EngineKind): boolean {
    return this.#options.engines.order.includes(name);
  }

  /** Asks every engine again; whoever comes while an inquiry runs shares it. */
  refresh(): Promise<EngineView[]> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Looks again at the embedded model alone, after it was loaded or could not be. */
  reviewEmbedded(): void {
    this.#views = this.#views.map((view) => (view.name === 'embedded' ? this.#embedded() : view));
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#refreshing;
  }

  async #refresh(): Promise<EngineView[]> {
    const { engines, viaToken, internal } = this.#options;
    const discovery = new Discovery({
      engines,
      viaToken,
      authorization: this.#authorization,
      ollamaProbeUrl: internal?.ollamaProbeUrl ?? 'http://127.0.0.1:11434',
      openaiProbeUrl: internal?.openaiProbeUrl ?? 'http://127.0.0.1:8080',
    });
    this.#views = await Promise.all(
      engineKinds.map(async (name): Promise<EngineView> => {
        if (!this.uses(name) || name === 'navigator') return this.#unasked(name);
        if (name === 'embedded') return this.#embedded();
        const { view, endpoint } = await discovery.find(name, this.#ending.signal);
        if (endpoint === undefined) this.#endpoints.delete(name);
        else this.#endpoints.set(name, endpoint);
        return view;
      }),
    );
    this.#options.onEngines?.(this.#views);
    return this.views();
  }

  /** What is known of an engine without asking it. */
  #unasked(name: EngineKind): EngineView {
    if (!this.uses(name)) return { name, state: 'off', models: [] };
    if (name === 'navigator') return { name, state: 'found', models: [name], defaultModel: name };
    return absent(name, 'It has not been asked yet.');
  }

  #embedded(): EngineView {
    if (!this.uses('embedded')) return this.#unasked('embedded');
    const found = this.modelFile();
    if ('problem' in found) return absent('embedded', found.problem);
    const llamaPackage = this.#options.internal?.llamaPackage ?? 'node-llama-cpp';
    if (!isInstalled(llamaPackage)) return absent('embedded', notInstalled, found.file);
    const problem = this.#model.problem();
    if (problem !== undefined) return absent('embedded', problem, found.file);
    return {
      name: 'embedded',
      state: 'found',
      where: found.file,
      models: [found.id],
      defaultModel: found.id,
    };
  }
}

function authorizationIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  const key = readFileSync(file, 'utf8').trim();
  if (!/^[\x21-\x7e]+$/.test(key) || key.length > apiKeyLengthMax)
    throw new Error(
      `engines.openai.api_key_file (${file}) must hold one key of 1 to ${apiKeyLengthMax} visible ASCII characters`,
    );
  return `Bearer ${key}`;
}
