import type { IncomingMessage } from 'node:http';
import type { Access } from '../../../runtime/contracts/access.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import { type Caller, callerIdOfKey, type Role, type Scope } from '../../../runtime/contracts/http.js';
import { isLoopbackAddress } from './hosts.js';

const controlCaller: Caller = { role: 'admin', keyId: null, id: 'control-socket' };

/**
 * Who calls: the owner of the key, else a person at this machine (`loopback`), else nobody (role none). The control socket lies in
 * the 0600 data folder, so whoever reaches it administers. A bearer that is not one of our keys counts as none on loopback, because
 * OpenAI clients always send one; a key of ours that is not valid is refused everywhere.
 *
 * A reverse proxy on the same machine makes everyone look local: let it require a key of its own.
 */
export function createIdentify(
  access: Access,
  loopback: { role: Role; scopes: readonly Scope[] },
  isControl: (incoming: IncomingMessage) => boolean,
): (incoming: IncomingMessage) => Caller {
  const loopbackCaller: Caller = { ...loopback, keyId: null, id: 'loopback' };
  return (incoming) => {
    if (isControl(incoming)) return controlCaller;
    const address = incoming.socket.remoteAddress;
    const local = isLoopbackAddress(address);
    const authorization = incoming.headers.authorization;
    if (authorization !== undefined) {
      const key = /^Bearer (\S+)$/i.exec(authorization)?.[1];
      const found = key === undefined ? null : access.identify(key);
      if (found !== null) return { ...found, id: callerIdOfKey(found.keyId!) };
      if (!local || key?.startsWith('ark_')) {
        throw new AppError('unauthorized', 'That key is not valid here; "arkalia keys create" makes one.');
      }
    }
    return local ? loopbackCaller : { role: 'none', keyId: null, id: `address:${address ?? 'unknown'}` };
  };
}
