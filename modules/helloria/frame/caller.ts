import type { IncomingMessage } from 'node:http';
import type { Access } from '../../../runtime/contracts/access.js';
import { AppError } from '../../../runtime/contracts/errors.js';
import {
  type Caller,
  callerIdOfKey,
  callerIdOfUser,
  type Role,
  type Scope,
} from '../../../runtime/contracts/http.js';
import type { People } from '../../../runtime/contracts/people.js';
import { isLoopbackAddress } from './hosts.js';
import { loginCookie, loginToken } from './login-cookie.js';

const controlCaller: Caller = { role: 'admin', keyId: null, id: 'control socket' };

export interface IdentifyOptions {
  access: Pick<Access, 'identify'>;
  people: Pick<People, 'identify'>;
  /** What a caller on this machine is without a key. */
  loopback: { role: Role; scopes: readonly Scope[] };
  isControl(incoming: IncomingMessage): boolean;
}

/** Who calls; `headers` of the answer may be added to. Only a login takes its time. */
export type Identify = (
  incoming: IncomingMessage,
  headers: Record<string, string>,
) => Caller | Promise<Caller>;

/**
 * Who calls: the owner of the key, else who is signed in by the cookie, else a person at this machine (`loopback`), else nobody (role none).
 * The control socket lies in the 0600 data folder, so whoever reaches it administers. A bearer that is not one of our keys counts as
 * none on loopback, because OpenAI clients always send one; a key of ours that is not valid is refused everywhere. A cookie that does
 * not hold counts as none: the browser keeps sending it.
 *
 * A reverse proxy on the same machine makes everyone look local: let it require a key of its own.
 */
export function createIdentify({ access, people, loopback, isControl }: IdentifyOptions): Identify {
  const loopbackCaller: Caller = { ...loopback, keyId: null, id: 'loopback' };
  const withoutKey = (address: string | undefined): Caller =>
    isLoopbackAddress(address)
      ? loopbackCaller
      : { role: 'none', keyId: null, id: `address:${address ?? 'unknown'}` };
  const signedIn = async (
    token: string,
    incoming: IncomingMessage,
    headers: Record<string, string>,
  ): Promise<Caller> => {
    const found = await people.identify(token);
    if (found === null) return withoutKey(incoming.socket.remoteAddress);
    const { user, login, renewed } = found;
    if (renewed !== undefined) headers['set-cookie'] = loginCookie(renewed, 'encrypted' in incoming.socket);
    const { id, name, role } = user;
    return { role, keyId: null, id: callerIdOfUser(id), login: { id: login.id, user: name } };
  };
  return (incoming, headers) => {
    if (isControl(incoming)) return controlCaller;
    const { authorization } = incoming.headers;
    if (authorization !== undefined) {
      const key = /^Bearer (\S+)$/i.exec(authorization)?.[1];
      const found = key === undefined ? null : access.identify(key);
      if (found !== null) return { ...found, id: callerIdOfKey(found.keyId!) };
      if (!isLoopbackAddress(incoming.socket.remoteAddress) || key?.startsWith('ark_')) {
        throw new AppError('unauthorized', 'That key is not valid here; "arkalia keys create" makes one.');
      }
    }
    const token = loginToken(incoming);
    return token === undefined
      ? withoutKey(incoming.socket.remoteAddress)
      : signedIn(token, incoming, headers);
  };
}
