import type { Caller, Role, Scope } from './http.js';

/** One open WebSocket, in texts. */
export interface LiveSocket {
  send(text: string): void;
  /** Bytes handed over that the system has not taken yet: how far behind the reader is. */
  readonly waitingBytes: number;
  /** 1000, or 4000 to 4999; the reason is at most 123 bytes. */
  close(code: number, reason: string): void;
  /** A handler that throws closes the socket. */
  onText(handler: (text: string) => void): void;
  onClose(handler: () => void): void;
}

/**
 * A WebSocket endpoint as data: opened by helloria behind the same checks of Host, Origin, key and role as a route, and closed when the
 * key is revoked, the client is silent or the server stops.
 */
export interface SocketDefinition {
  path: string;
  role: Role;
  /** As of a route. */
  scope?: Scope | 'any';
  summary: string;
  /** Subprotocol that is agreed on where the client offers it. */
  protocol: string;
  /** Longest message of a client; a longer one closes the socket. */
  messageBytesMax: number;
  /** Open sockets; more are answered 429. */
  socketsMax: number;
  open(socket: LiveSocket, caller: Caller): void;
}

/** Codes with which the appliance closes a socket, beside 1001 (it stops). */
export const socketCloseCodes = {
  unauthorized: 4401,
  tooSlow: 4408,
  badMessage: 4400,
} as const;

/** A browser cannot send a header with a WebSocket: its key goes as one more offered subprotocol, behind this. */
export const keyProtocolPrefix = 'arkalia.key.';
