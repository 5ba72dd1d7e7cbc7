import { workerData } from 'node:worker_threads';
import { Core } from '../../core-wasm/index.js';
import type { GuardJudgement } from '../contracts/guard.js';
import { Judge, type JudgeTask } from './judge.js';
import type { ThreadData } from './thread.js';

const { share, workspace, model } = workerData as ThreadData;
const { classifiers } = Core.attach(share.memory, share.module);
const judge = new Judge(classifiers.at(workspace), model);

/** Judges one long text. */
export default function work(task: JudgeTask): GuardJudgement {
  return judge.judge(task);
}
