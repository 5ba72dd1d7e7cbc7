import { randomBytes } from 'node:crypto';
import type { ModuleContext } from '../../../runtime/contracts/module.js';
import type { SocketDefinition } from '../../../runtime/contracts/socket.js';
import { Connection } from './connection.js';
import { liveProtocol } from './socket-protocol.js';
import type { LiveTopics } from './topics.js';

const messageBytesMax = 4096;

/** GET /ws as data. */
export function liveSocket(context: ModuleContext, topics: LiveTopics): SocketDefinition {
  const boot = randomBytes(8).toString('hex');
  const { clock, version, config } = context;
  return {
    path: '/ws',
    role: 'user',
    scope: 'any',
    summary: 'Live data by topic; see /asyncapi.json',
    protocol: liveProtocol,
    messageBytesMax,
    socketsMax: config.nyxalia.sockets_max,
    open: (socket, caller) => {
      new Connection({ socket, caller, topics: topics.all, boot, version, clock });
    },
  };
}
