import type { IncomingHttpHeaders } from 'node:http';
import type { AppError } from '../../base/errors.ts';
import { httpErrors } from './errors.ts';

/** The version of the protocol that RFC 6455 describes, the only one that is spoken. */
export const WEB_SOCKET_VERSION = '13';

/** Sixteen bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function fault(problem: string, param: string): AppError {
  return httpErrors.raise.invalid_request({ problem }, { param });
}

function areProtocols(list: string): boolean {
  const names = list.split(',').map((name) => name.trim());
  return names.every((name) => TOKEN.test(name)) && new Set(names).size === names.length;
}

/**
 * What is wrong with the handshake of a WebSocket. The library that makes the connection looks too, but refuses in HTML and
 * past the log, when the request is no longer one of ours.
 */
export function findHandshakeFault(headers: IncomingHttpHeaders): AppError | undefined {
  if (headers['sec-websocket-version'] !== WEB_SOCKET_VERSION) {
    return fault(`Open a WebSocket with \`Sec-WebSocket-Version: ${WEB_SOCKET_VERSION}\`.`, 'sec-websocket-version');
  }
  if (!KEY.test(headers['sec-websocket-key'] ?? '')) {
    return fault('Open a WebSocket with 16 random bytes in base64 as `Sec-WebSocket-Key`.', 'sec-websocket-key');
  }
  const protocols = headers['sec-websocket-protocol'];
  return protocols === undefined || areProtocols(protocols)
    ? undefined
    : fault('`Sec-WebSocket-Protocol` must list names, each once.', 'sec-websocket-protocol');
}
