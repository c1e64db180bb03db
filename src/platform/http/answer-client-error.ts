import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { AppError } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Logger } from '../log/index.ts';
import { httpErrors } from './errors.ts';
import type { Answer } from './request-context.ts';
import { toWireError } from './wire-error.ts';

const { raise } = httpErrors;

/** What statuses are called. Not imported, for which Node would load its WebSocket, too: that takes longer than the rest of its HTTP. */
export const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** Node's bound. */
const CHUNK_EXTENSION_BYTES = 16 * 1024;

function errorOf(code: string | undefined): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return raise.request_timeout();
  if (code === 'HPE_HEADER_OVERFLOW') return raise.headers_too_large();
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW')
    return raise.body_too_large({ most: `${CHUNK_EXTENSION_BYTES} bytes of chunk extensions` });
  if (code === 'HPE_INVALID_URL') {
    return raise.invalid_request({ problem: 'Write what is not ASCII in a URL as UTF-8 in percent signs: `%C3%B6`.' });
  }
  return raise.malformed_http();
}

/** With `_last` Node closes the connection after it, also where its headers have been sent. */
type DueAnswer = Answer & { _last?: boolean };

/** The answer that is due next on a socket, as Node keeps it; undefined when every request on it is answered. */
export function findDueAnswer(socket: Socket): DueAnswer | undefined {
  return (socket as { _httpMessage?: DueAnswer | null })._httpMessage ?? undefined;
}

/** Answers an error on the bare socket and closes it. */
function answerOnSocket(error: AppError, socket: Socket, log: Logger): void {
  const due = findDueAnswer(socket);
  // What is wrong came after a whole request, which may be done by now: its answer is the last on the connection. Node tells no
  // more than that one; of several requests sent at once, those behind it do not begin.
  if (due?.req.complete) {
    due.shouldKeepAlive = false;
    due._last = true;
    return;
  }
  const begun = due?.context;
  const requestId = begun?.requestId ?? newId();
  // A request that has begun has a line of its own.
  if (begun === undefined) {
    log.info({ request_id: requestId, status: error.status, code: error.code }, 'refused connection');
  }
  // Into an answer that has begun no other may be written.
  if (!socket.writable || due?.headersSent) {
    socket.destroy();
    return;
  }
  if (begun !== undefined) {
    begun.failure = error;
    begun.isRefused = true;
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
    // Nothing here takes what is refused so.
    ...(error.status === 405 ? ['allow: '] : []),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.destroySoon();
}

/**
 * Makes what answers on the bare socket when there is no request: bytes that are not HTTP, headers that are too large,
 * and requests that do not arrive in time.
 */
export function createClientErrorAnswer(log: Logger): (error: Error & { code?: string }, socket: Socket) => void {
  return (thrown, socket) => {
    if (thrown.code !== 'ECONNRESET' && !socket.destroyed) answerOnSocket(errorOf(thrown.code), socket, log);
  };
}

/** Has a CONNECT, which Node gives no answer to write to, refused as a method that nothing here takes. */
export function refuseConnect(server: Server, log: Logger): void {
  server.on('connect', (_request, socket: Socket) => {
    // Node has let go of the socket. A client that breaks it off is no fault of ours.
    socket.on('error', () => {});
    answerOnSocket(raise.method_not_allowed(), socket, log);
  });
}
