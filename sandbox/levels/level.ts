import type { Group } from '../groups/group.js';
import type { SandboxLevel } from '../types.js';

/** A program of ours that is to run isolated. */
export interface ChildProgram {
  /** Its compiled file. */
  entry: URL;
  limits: ChildLimits;
  /** Files of the host that it reads beside itself: the model. */
  files?: readonly string[];
  /** Installed packages that it imports. */
  packages?: readonly string[];
  /** For the escape probe: an argument, and no permission model of Node's, so that what stops it is the level. */
  probe?: { argument: string };
  /** For the escape probe: a native program of the host that is run in Node's place. */
  native?: string;
}

export interface ChildLimits {
  kind: 'worker' | 'model';
  memoryBytes: number;
}

/** What to start, and the descriptors beside stdin, stdout, stderr and 3 (frames). */
export interface Launch {
  program: string;
  args: string[];
  /** Bytes that descriptor 4 gives: the filter of system calls. With it, descriptor 5 tells the process id of a child of ours. */
  filter?: Buffer;
  /** Makes the control group that it runs in; undefined where there is none. */
  group?: () => Group | undefined;
}

/** How children are started at one level: what was tried on this host and works, and what that gives. */
export interface Launcher {
  level: SandboxLevel;
  command(program: ChildProgram): Launch;
  /** The path under which a child finds a file that was given to it. */
  inside(file: string): string;
  /** Why a child could not read this file; undefined when it can. */
  unreadable(file: string): string | undefined;
  holds: string[];
  lacks: string[];
}
