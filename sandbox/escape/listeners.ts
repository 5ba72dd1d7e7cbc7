import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** Something for the probe to reach: a TCP, a UDP and a Unix socket of our own, and what came to each. */
export interface Listeners {
  tcpPort: number;
  udpPort: number;
  unixPath: string;
  /** A second TCP port, for where there is no model server. */
  modelPort: number;
  arrived: { tcp: number; udp: number; unix_socket: number; model_server: number };
  close(): Promise<void>;
}

export async function openListeners(folder: string): Promise<Listeners> {
  const arrived = { tcp: 0, udp: 0, unix_socket: 0, model_server: 0 };
  const count = (name: 'tcp' | 'unix_socket' | 'model_server'): Server =>
    createServer((socket) => {
      arrived[name] += 1;
      socket.on('error', () => socket.destroy());
      socket.destroy();
    });
  const servers = [count('tcp'), count('unix_socket'), count('model_server')] as const;
  const [tcp, unix, model] = servers;
  const unixPath = join(folder, 'reach');
  tcp.listen(0, '127.0.0.1');
  unix.listen(unixPath);
  model.listen(0, '127.0.0.1');
  const udp = createSocket('udp4', () => {
    arrived.udp += 1;
  });
  udp.bind(0, '127.0.0.1');
  await Promise.all([...servers, udp].map((one) => once(one, 'listening')));
  // Anyone may connect: what stops the probe is to be its level.
  chmodSync(unixPath, 0o777);
  return {
    tcpPort: (tcp.address() as AddressInfo).port,
    udpPort: udp.address().port,
    unixPath,
    modelPort: (model.address() as AddressInfo).port,
    arrived,
    close: async () => {
      udp.close();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
