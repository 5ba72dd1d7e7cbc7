import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

/**
 * Inside the sandbox of an MCP server that may ask some hosts: takes connections on loopback, which is all the network there is, hands
 * them to the proxy of the supervisor over its socket, and runs the server beside. Imports nothing of ours: it is the only file of ours there.
 */
const [socket = '', port = '', program = '', ...args] = process.argv.slice(2);

const relay = createServer((inside) => {
  const outside = connect(socket);
  inside.pipe(outside);
  outside.pipe(inside);
  inside.on('error', () => outside.destroy());
  outside.on('error', () => inside.destroy());
  inside.on('close', () => outside.destroy());
  outside.on('close', () => inside.destroy());
});
relay.listen(Number(port), '127.0.0.1', () => {
  const server = spawn(program, args, { stdio: 'inherit' });
  server.on('error', () => process.exit(127));
  server.on('exit', (code) => process.exit(code ?? 1));
});
