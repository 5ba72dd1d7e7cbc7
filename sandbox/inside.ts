import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { encodeFrame, FrameDecoder, gatherWrites } from './frames.js';
import { type FromChild, frameBytesBase, jobBytesMax, readToChild, type ToChild } from './protocol.js';

/** The child's end of the pipes: frames come in on stdin and go out on descriptor 3, where no library prints. */
export interface Supervisor {
  /** Resolves when the pipe can take more. */
  send(message: FromChild): Promise<void>;
  /** Stops or resumes reading, so that a full queue holds back whoever sends. */
  hold(held: boolean): void;
}

/** Exit code after a frame that makes no sense. */
const exitProtocol = 76;
const readBytes = 65_536;

/** Connects to the supervisor. The process ends when the supervisor has gone, whatever else it is doing in JavaScript turns. */
export function connectSupervisor(onMessage: (message: ToChild) => void): Supervisor {
  const decoder = new FrameDecoder(jobBytesMax + frameBytesBase);
  const out = new Socket({ fd: 3, readable: false, writable: true });
  out.on('error', () => process.exit(0));
  const read = (chunk: Buffer) => {
    const { values, fault } = decoder.push(chunk);
    for (const value of values) {
      const message = readToChild(value);
      if (message === null) process.exit(exitProtocol);
      if (message.type === 'ping') void send({ type: 'pong' });
      else onMessage(message);
    }
    if (fault !== undefined) process.exit(exitProtocol);
  };
  // Into one buffer that is ours: Node's own are given back with what they held.
  const options: SocketConstructorOpts & { onread: OnReadOpts } = {
    fd: 0,
    readable: true,
    writable: false,
    onread: {
      buffer: Buffer.alloc(readBytes),
      callback: (length, buffer) => {
        const chunk = Buffer.from(buffer.subarray(0, length));
        buffer.fill(0, 0, length);
        read(chunk);
        return true;
      },
    },
  };
  const input = new Socket(options);
  // Whoever asks for it, as the library of models does, would open the descriptor a second time, which fails.
  Object.defineProperty(process, 'stdin', { value: input });
  input.on('end', () => process.exit(0));
  input.on('error', () => process.exit(0));
  const send = (message: FromChild): Promise<void> =>
    new Promise((resolve) => {
      const frame = encodeFrame(message);
      // It may hold a prompt, so it does not lie about once it has been sent.
      const taken = out.write(frame, () => frame.fill(0));
      gatherWrites(out);
      if (taken) resolve();
      else out.once('drain', resolve);
    });
  return {
    send,
    hold: (held) => {
      if (held) input.pause();
      else input.resume();
    },
  };
}
