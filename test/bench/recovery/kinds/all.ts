import type { FaultKind } from '../kind.js';
import { configurationHarmful } from './configuration.js';
import { engineDiesMidStream, engineDown, engineLying, engineSlow } from './engines.js';
import { clockBack, clockForward, cpuSaturated } from './machine.js';
import { moduleThrowsInHandler, moduleThrowsInStart, moduleThrowsInStop } from './modules.js';
import { eventLoopBlocked, memoryPressure, processKilled } from './process.js';
import { sandboxHung, sandboxKilled, sandboxOutOfMemory } from './sandbox.js';
import { diskFull, readOnly } from './storage.js';
import { ledgerWriterKilled, poolWorkerKilled } from './threads.js';

export const faultKinds: readonly FaultKind[] = [
  sandboxKilled,
  sandboxHung,
  sandboxOutOfMemory,
  poolWorkerKilled,
  engineDown,
  engineSlow,
  engineLying,
  engineDiesMidStream,
  ledgerWriterKilled,
  diskFull,
  readOnly,
  eventLoopBlocked,
  processKilled,
  clockForward,
  clockBack,
  memoryPressure,
  cpuSaturated,
  configurationHarmful,
  moduleThrowsInStart,
  moduleThrowsInStop,
  moduleThrowsInHandler,
];
