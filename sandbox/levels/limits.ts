import type { ChildLimits } from './level.js';

/**
 * What RLIMIT_DATA grants above the memory limit: Node 24 reserves 512 MiB for code at its start. The limit proper is kept by
 * watching resident memory; this stops what grows faster than the watch looks.
 */
const reservedBytes = 671_088_640;

/** What a level lacks that cannot limit processes by itself. */
export const processesUnlimited = 'processes: not limited';

/** Threads and processes of one child. Node has eleven threads; the library of a model starts Node once more. */
export const processesMax = { worker: 64, model: 256 } as const;
/** Open files of a worker. A model loads the files of its package. */
const filesMax = { worker: 64, model: 1024 } as const;

/**
 * Shell commands that limit the shell and what it becomes: no core dumps, no written byte (RLIMIT_FSIZE), open files, RLIMIT_DATA,
 * processor time, and where asked the number of processes of the user.
 */
export function limitCommands(
  limits: ChildLimits,
  options: { cpuSeconds: number; processes: boolean },
): string {
  const { kind, memoryBytes } = limits;
  const dataKilobytes = Math.ceil((memoryBytes + reservedBytes) / 1024);
  const rules = ['ulimit -c 0', 'ulimit -f 0', `ulimit -n ${filesMax[kind]}`, `ulimit -d ${dataKilobytes}`];
  // A model works as long as it is asked to.
  if (kind === 'worker') rules.push(`ulimit -t ${options.cpuSeconds}`);
  // dash and busybox say -p for what bash calls -u. There may be no /dev/null to send the complaint to.
  const most = processesMax[kind];
  if (options.processes) rules.push(`{ ulimit -u ${most} 2>&- || ulimit -p ${most}; }`);
  return rules.join(' && ');
}
