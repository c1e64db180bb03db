import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Logger } from '../log/index.ts';
import { httpErrors } from './errors.ts';
import { toWireError } from './wire-error.ts';

const { raise } = httpErrors;

function errorOf(code: string | undefined): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return raise.request_timeout();
  if (code === 'HPE_HEADER_OVERFLOW') return raise.headers_too_large();
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return raise.body_too_large();
  return raise.malformed_http();
}

/** Whether an answer has begun on the socket, into which no other may be written. */
function hasBegunAnswer(socket: Socket): boolean {
  const { _httpMessage: message } = socket as { _httpMessage?: { headersSent: boolean } | null };
  return message?.headersSent === true;
}

/**
 * Makes what answers on the bare socket when there is no request: bytes that are not HTTP, headers that are too large,
 * and requests that do not arrive in time.
 */
export function createClientErrorAnswer(log: Logger): (error: Error & { code?: string }, socket: Socket) => void {
  return (thrown, socket) => {
    if (thrown.code === 'ECONNRESET' || socket.destroyed) return;
    const error = errorOf(thrown.code);
    const requestId = newId();
    log.info({ request_id: requestId, status: error.status, code: error.code }, 'refused connection');
    if (!socket.writable || hasBegunAnswer(socket)) {
      socket.destroy();
      return;
    }
    const body = JSON.stringify({ error: toWireError(error) });
    const head = [
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-request-id: ${requestId}`,
      'server-timing: total;dur=0',
      'cache-control: no-store',
      'connection: close',
    ];
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    socket.destroySoon();
  };
}
