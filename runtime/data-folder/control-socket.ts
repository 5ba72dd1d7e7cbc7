import { join } from 'node:path';
import { DataFolderError } from './data-folder-error.js';

/** Longest path of a Unix socket on every system we run on: macOS has 104 bytes with the final NUL, Linux 108. */
const socketPathBytesMax = 103;

/**
 * Path of the socket in the data folder over which command-line verbs speak to the running server.
 * @throws DataFolderError `socket_path_too_long`: the system would cut the path silently or refuse it.
 */
export function controlSocketPath(dataDir: string): string {
  const path = join(dataDir, 'control.sock');
  const bytes = Buffer.byteLength(path);
  if (bytes > socketPathBytesMax) {
    throw new DataFolderError(
      'socket_path_too_long',
      `The path of the control socket, ${path}, has ${bytes} bytes; a Unix socket takes at most ${socketPathBytesMax}. Choose a data_dir with a shorter path.`,
    );
  }
  return path;
}
