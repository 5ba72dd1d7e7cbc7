import {
  allow,
  and,
  argumentAt,
  begin,
  cloneNamespaces,
  encoded,
  type FilterArch,
  type Instruction,
  ifEqual,
  load,
  unknown,
} from './bpf.js';
import type { SyscallNumbers } from './syscalls.js';

/**
 * What programs of others may not call; all else they may, since nobody knows what they need. Those that reach the kernel's administration, other
 * processes, or parts of the kernel through which sandboxes were broken; much as Docker's profile does for a container without capabilities.
 */
export const deniedToServers: Readonly<Record<string, SyscallNumbers>> = {
  // Mounts and namespaces.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  unshare: [272, 97],
  setns: [308, 268],
  // Hides its flags in memory; libraries then take clone.
  clone3: [435, 435],
  open_tree: [428, 428],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  open_by_handle_at: [304, 265],
  name_to_handle_at: [303, 264],
  // Other processes.
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  // Large parts of the kernel that few programs need.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  fanotify_init: [300, 262],
  lookup_dcookie: [212, 18],
  // Administration.
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  syslog: [103, 116],
  iopl: [172, null],
  ioperm: [173, null],
};

/** Calls of which some arguments are denied. */
export const partlyDeniedToServers = {
  clone: [56, 220],
  ioctl: [16, 29],
  socket: [41, 198],
} as const satisfies Record<string, SyscallNumbers>;

const bodies: Record<keyof typeof partlyDeniedToServers, Instruction[]> = {
  // No namespace.
  clone: [load(argumentAt(0)), and(cloneNamespaces), ifEqual(0, 1, 0), unknown, allow],
  // Not TIOCSTI and TIOCLINUX, which type into a terminal.
  ioctl: [load(argumentAt(1)), ifEqual(0x5412, 2, 0), ifEqual(0x541c, 1, 0), allow, unknown],
  // Unix, IPv4, IPv6 and netlink, which lists addresses. Others, such as VSOCK, leave the network namespace or reach rare drivers.
  socket: [
    load(argumentAt(0)),
    ifEqual(1, 4, 0),
    ifEqual(2, 3, 0),
    ifEqual(10, 2, 0),
    ifEqual(16, 1, 0),
    unknown,
    allow,
  ],
};

/** Numbers from here on are calls of x86-64 in another form (x32). */
const firstOtherForm = 0x40000000;
const ifAtLeast = (value: number, jumpTrue: number, jumpFalse: number): Instruction => [
  0x35,
  jumpTrue,
  jumpFalse,
  value,
];

/** A deny-list of system calls for programs of others. */
export function serverFilter(arch: FilterArch): Buffer {
  const at = arch === 'x64' ? 0 : 1;
  const program = begin(arch);
  if (arch === 'x64') program.push(ifAtLeast(firstOtherForm, 0, 1), unknown);
  for (const numbers of Object.values(deniedToServers)) {
    const number = numbers[at];
    if (number !== null) program.push(ifEqual(number, 0, 1), unknown);
  }
  for (const [name, numbers] of Object.entries(partlyDeniedToServers)) {
    const body = bodies[name as keyof typeof partlyDeniedToServers];
    program.push(ifEqual(numbers[at], 0, body.length), ...body);
  }
  return encoded([...program, allow]);
}
