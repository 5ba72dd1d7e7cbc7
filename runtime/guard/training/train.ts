import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Core } from '../../../core-wasm/index.js';
import { encodeModel } from '../classifier/model-file.js';
import { tell, trainingFlags } from './command.js';
import { feedbackRows } from './feedback-rows.js';
import { crossScores } from './folds.js';
import { fallOf, qualityOf } from './quality.js';
import { readRows } from './rows.js';
import { DOCUMENT_SHARE, type Head, WINDOW } from './scorer.js';
import { thresholdsOf } from './thresholds.js';
import { trainModel } from './train-model.js';

/** Raise it when the data or the training changes what is shipped. */
const VERSION = '3';
const classifier = new URL('../../../../runtime/guard/classifier/', import.meta.url);

/** Trains the weights that ship, with thresholds from models that left out the groups they were calibrated on. */
function main(): void {
  const { data, ledger } = trainingFlags();
  const usual = readRows(data);
  const reported = ledger === undefined ? [] : feedbackRows(ledger);
  const rows = [...usual, ...reported];
  const { scored } = crossScores(rows, tell);
  if (reported.length > 0) {
    tell(`${reported.length} accepted reports; the same without them:`);
    const fall = fallOf(qualityOf(crossScores(usual, tell).scored), qualityOf(scored));
    if (fall !== undefined) {
      process.exitCode = 1;
      tell(`Nothing was written: with the reports the evaluation falls. ${fall}`);
      return;
    }
  }
  const model = trainModel(rows);
  const head = ({ scale, bias, bits }: Head) => ({ scale, bias, bits });
  const file = encodeModel(
    {
      format: 1,
      version: VERSION,
      features: Core.create().classifiers.features,
      document_share: DOCUMENT_SHARE,
      prompt: { ...head(model.prompt), window: 0, step: 1, thresholds: thresholdsOf(scored, 'prompt') },
      document: { ...head(model.document), ...WINDOW, thresholds: thresholdsOf(scored, 'document') },
    },
    [model.prompt.weights, model.document.weights],
  );
  const sha256 = createHash('sha256').update(file).digest('hex');
  write('guard.weights', file);
  write(
    'pinned.ts',
    `/** SHA-256 of the weights that ship. Written by \`npm run train:guard\`. */\nexport const PINNED_SHA256 = '${sha256}';\n`,
  );
  tell(`${file.length} bytes, SHA-256 ${sha256}`);
}

function write(name: string, content: Buffer | string): void {
  const target = fileURLToPath(new URL(name, classifier));
  writeFileSync(`${target}.new`, content);
  renameSync(`${target}.new`, target);
}

main();
