import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { Core, coreModule, RecordedCore } from '../../core-wasm/index.js';
import type { Score } from '../../core-wasm/score-types.js';
import {
  digestOf,
  ownParameters,
  referenceScores,
  resultOf,
  type VectorInput,
  type Vectors,
  vectorInputs,
} from './vectors.js';

/** Compiled, this file lies in dist/; the vectors stay with the sources. */
const file = new URL('../../../test/replay/vectors.json', import.meta.url);
const recordsSeed = 20_260_101;
const recordsCount = 480;
const digestSeed = 7;
const digestCount = 20_000;

/** What the module makes of inputs, in batches. */
function wasmScores(inputs: readonly VectorInput[], parameters: readonly number[][]): Score[] {
  const core = new RecordedCore(coreModule().bytes);
  const scores: Score[] = [];
  for (const [own, values] of parameters.entries()) {
    const places = [...inputs.keys()].filter((i) => inputs[i]!.own === own);
    const { results } = core.score(
      values,
      places.map((i) => inputs[i]!.input),
    );
    for (const [n, result] of results.entries()) {
      if ('refused' in result) throw new Error(`record ${places[n]} is refused: ${result.refused}`);
      scores[places[n]!] = result.score;
    }
  }
  return scores;
}

function currentParameters(): number[][] {
  const core = Core.create();
  return ownParameters.map((own) => [...core.ownParameters(own).values]);
}

/** The file anew, from the reference. */
function makeVectors(): Vectors {
  const inputs = vectorInputs(recordsCount, recordsSeed);
  const scores = referenceScores(inputs);
  return {
    own: ownParameters,
    parameters: currentParameters(),
    records: inputs.map(({ own, input }, i) => ({ own, input, result: resultOf(scores[i]!) })),
    digest: { count: digestCount, sha256: digestOf(referenceScores(vectorInputs(digestCount, digestSeed))) },
  };
}

/** Every way in which this machine's WASM or TypeScript is not what the file says; empty when all is. */
export function checkVectors(vectors: Vectors): string[] {
  const problems: string[] = [];
  const check = (what: string, is: unknown, says: unknown) => {
    const [found, wanted] = [JSON.stringify(is), JSON.stringify(says)];
    if (found !== wanted) problems.push(`${what}: ${found}, the file says ${wanted}`);
  };
  const { parameters, records, digest } = vectors;
  check('the parameters', currentParameters(), parameters);
  check(
    'the generator',
    vectorInputs(records.length, recordsSeed),
    records.map(({ own, input }) => ({ own, input })),
  );
  const made = { WASM: wasmScores(records, parameters), TypeScript: referenceScores(records) };
  for (const [i, { result }] of records.entries()) {
    for (const [who, scores] of Object.entries(made))
      check(`record ${i} in ${who}`, resultOf(scores[i]!), result);
  }
  const many = vectorInputs(digest.count, digestSeed);
  check('the digest in WASM', digestOf(wasmScores(many, parameters)), digest.sha256);
  check('the digest in TypeScript', digestOf(referenceScores(many)), digest.sha256);
  return problems;
}

export const readVectors = (): Vectors => JSON.parse(readFileSync(file, 'utf8')) as Vectors;

function main(): void {
  if (process.argv.includes('--write')) {
    const { records, ...rest } = makeVectors();
    const head = JSON.stringify(rest).slice(0, -1);
    writeFileSync(
      file,
      `${head},"records":[\n${records.map((one) => JSON.stringify(one)).join(',\n')}\n]}\n`,
    );
    console.log(`Wrote ${records.length} records from the TypeScript reference.`);
    return;
  }
  const vectors = readVectors();
  const problems = checkVectors(vectors);
  console.log(
    `Node ${process.version} on ${process.platform}-${process.arch}, core ${coreModule().sha256.slice(0, 16)}: ${vectors.records.length} records and a digest of ${vectors.digest.count}.`,
  );
  for (const problem of problems.slice(0, 10)) console.log(problem.slice(0, 2000));
  console.log(
    problems.length === 0
      ? 'WASM and TypeScript give the same bytes as the file.'
      : `${problems.length} differ.`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
