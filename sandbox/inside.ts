import { Socket } from 'node:net';
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

/** Connects to the supervisor. The process ends when the supervisor has gone, whatever else it is doing in JavaScript turns. */
export function connectSupervisor(onMessage: (message: ToChild) => void): Supervisor {
  const decoder = new FrameDecoder(jobBytesMax + frameBytesBase);
  const out = new Socket({ fd: 3, readable: false, writable: true });
  out.on('error', () => process.exit(0));
  process.stdin.on('end', () => process.exit(0));
  process.stdin.on('error', () => process.exit(0));
  process.stdin.on('data', (chunk: Buffer) => {
    const { values, fault } = decoder.push(chunk);
    for (const value of values) {
      const message = readToChild(value);
      if (message === null) process.exit(exitProtocol);
      if (message.type === 'ping') void send({ type: 'pong' });
      else onMessage(message);
    }
    if (fault !== undefined) process.exit(exitProtocol);
  });
  const send = (message: FromChild): Promise<void> =>
    new Promise((resolve) => {
      const taken = out.write(encodeFrame(message));
      gatherWrites(out);
      if (taken) resolve();
      else out.once('drain', resolve);
    });
  return {
    send,
    hold: (held) => {
      if (held) process.stdin.pause();
      else process.stdin.resume();
    },
  };
}
