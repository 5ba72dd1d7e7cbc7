import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ModelEntry,
  type ModelList,
  type Models,
  type ModelWork,
  modelNamePattern,
  modelNameRule,
  modelPieceBytesMax,
  nearestModelName,
} from '../contracts/models.js';
import { printable } from '../contracts/text.js';
import { inWords } from '../models/memory.js';
import { CliFailure } from './failure.js';
import { type CliIo, exitCodes } from './io.js';
import { withModels } from './models-access.js';
import type { ConfigFlags } from './settings.js';

export interface AddFlags extends ConfigFlags {
  name?: string;
  sha256?: string;
}

const by = 'command line';
/** How often it is asked how far the work is. */
const lookMs = 200;

/** Lists the models with what is known of them. */
export async function listModels(flags: ConfigFlags, io: CliIo): Promise<number> {
  const list = await withModels(flags, io, 'models list', (models) => models.list());
  for (const line of listLines(list)) io.out(`${printable(line)}\n`);
  return exitCodes.ok;
}

/** Copies a file into the folder, piece by piece, and waits until it is read. A link is not followed. */
export async function addModel(path: string, flags: AddFlags, io: CliIo): Promise<number> {
  const name = nameOf(flags.name, () => basename(path));
  const sha256 = checkHash(flags.sha256);
  const file = await openSource(path);
  try {
    const { size } = await file.stat();
    if (size === 0) throw new CliFailure(`${path} is empty.`);
    return await withModels(flags, io, 'models add', async (models) => {
      const tell = progress(io);
      const piece = Buffer.allocUnsafe(modelPieceBytesMax);
      for (let at = 0; at < size; ) {
        const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, size - at), at);
        if (bytesRead === 0) throw new CliFailure(`${path} became shorter while it was copied.`);
        const bytes = piece.subarray(0, bytesRead);
        tell(await models.receive({ name, at, of: size, bytes, sha256 }, by));
        at += bytesRead;
      }
      return finish(models, name, io, tell);
    });
  } finally {
    await file.close();
  }
}

/** Fetches a file and waits until it is read. */
export async function pullModel(url: string, flags: AddFlags, io: CliIo): Promise<number> {
  const name = nameOf(flags.name, () => lastOfUrl(url));
  const sha256 = checkHash(flags.sha256);
  return withModels(flags, io, 'models pull', async (models) => {
    await models.pull({ url, name, sha256 }, by);
    return finish(models, name, io);
  });
}

/** Hashes a model again. */
export function verifyModel(name: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  return withModels(flags, io, 'models verify', async (models) => {
    await models.verify(name, by);
    return finish(models, name, io);
  });
}

/** Makes it the model that is loaded. */
export async function chooseModel(name: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  await withModels(flags, io, 'models default', (models) => models.choose(name, by));
  io.err(`${printable(name)} is the model that is loaded from now on.\n`);
  return exitCodes.ok;
}

/** Deletes it. */
export async function removeModel(name: string, flags: ConfigFlags, io: CliIo): Promise<number> {
  await withModels(flags, io, 'models remove', (models) => models.remove(name, by));
  io.err(`Removed ${printable(name)}.\n`);
  return exitCodes.ok;
}

/** Waits for the work on a model, tells how far it is, and shows the model. */
async function finish(models: Models, name: string, io: CliIo, tell = progress(io)): Promise<number> {
  for (;;) {
    const list = await models.list();
    const work = list.work.find((one) => one.name === name);
    if (work === undefined) throw new CliFailure(`What was done with ${name} was ended by somebody else.`);
    if (work.state === 'failed') throw new CliFailure(work.problem ?? 'It failed.');
    if (work.state === 'done') {
      const entry = list.models.find((one) => one.name === name);
      for (const line of entry === undefined ? [] : entryLines(entry, list)) io.out(`${printable(line)}\n`);
      return exitCodes.ok;
    }
    tell(work);
    await sleep(lookMs);
  }
}

/** Tells each tenth that is done, once. */
function progress(io: CliIo): (work: ModelWork) => void {
  let told = '';
  return ({ state, bytes, of }) => {
    const tenth = of === null || of === 0 ? inWords(bytes) : `${Math.floor((bytes / of) * 10) * 10} %`;
    const line = `${state === 'reading' ? 'reading' : 'receiving'} ${tenth}${of === null ? '' : ` of ${inWords(of)}`}`;
    if (line !== told) io.err(`${line}\n`);
    told = line;
  };
}

function listLines(list: ModelList): string[] {
  const { models, folder, fixed, work, memory_limit_bytes: limit } = list;
  const under = work.filter(({ state }) => state !== 'done');
  return [
    ...(models.length === 0
      ? [`There are no models in ${folder}. Add one with: arkalia models add FILE`]
      : []),
    ...models.flatMap((entry) => entryLines(entry, list)),
    ...under.map(
      ({ name, act, state, problem }) =>
        `${name}: ${act} ${state}${problem === undefined ? '' : `: ${problem}`}`,
    ),
    ...(fixed === null
      ? []
      : [`engines.embedded.model_file is set, so ${fixed} is used whatever the default is.`]),
    `A model may need ${inWords(limit)} of memory here.`,
  ];
}

function entryLines(entry: ModelEntry, { memory_limit_bytes: limit }: ModelList): string[] {
  const { name, bytes, sha256, facts, memory_bytes: needs, is_default } = entry;
  const head = `${is_default ? '*' : ' '} ${name}  ${inWords(bytes)}`;
  if (facts === null || needs === null)
    return [
      head,
      `    put there by hand: nothing is known of it; pin it with: arkalia models verify ${name}`,
    ];
  const told = [
    `${inNumber(facts.parameters)} parameters`,
    facts.quantisation,
    facts.context_tokens === undefined ? '' : `context ${facts.context_tokens}`,
    facts.licence === undefined ? 'no licence named' : `licence ${facts.licence}`,
    `needs about ${inWords(needs)}${needs > limit ? ', which is too much here' : ''}`,
    facts.chat_template ? '' : 'no chat template of its own',
  ];
  return [head, `    ${told.filter((one) => one !== '').join(', ')}`, `    sha256 ${sha256}`];
}

function inNumber(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} billion`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} million` : `${count}`;
}

/** The name that is given, as it stands; without one the file's own in lower case. */
function nameOf(given: string | undefined, fileName: () => string): string {
  const name =
    given ??
    fileName()
      .toLowerCase()
      .replace(/\.gguf$/, '');
  if (modelNamePattern.test(name)) return name;
  const nearest = nearestModelName(name);
  const instead = nearest === undefined ? 'give another with --name' : `--name ${nearest} would do`;
  throw new CliFailure(
    `A model's name ${modelNameRule}; ${JSON.stringify(name)} does not: ${instead}.`,
    exitCodes.usage,
  );
}

function lastOfUrl(url: string): string {
  if (!URL.canParse(url)) throw new CliFailure(`${url} is no address.`, exitCodes.usage);
  return decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '');
}

function checkHash(text: string | undefined): string | undefined {
  const hash = text?.toLowerCase();
  if (hash === undefined || /^[0-9a-f]{64}$/.test(hash)) return hash;
  throw new CliFailure('--sha256 takes 64 hexadecimal digits.', exitCodes.usage);
}

async function openSource(path: string): Promise<FileHandle> {
  try {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    await file.close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP' || code === 'EMLINK')
      throw new CliFailure(`${path} is a link, which is not followed; name the file itself.`);
    throw new CliFailure(`${path} cannot be read (${code}).`);
  }
  throw new CliFailure(`${path} is no regular file.`);
}
