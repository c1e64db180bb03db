import { type AddressInfo, connect, type Socket } from 'node:net';
import { AppError } from '../../src/base/errors.ts';
import { httpErrors } from '../../src/platform/http/errors.ts';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../../src/platform/http/server.ts';
import { createLogger } from '../../src/platform/log/index.ts';

/** A server for tests of `platform/http`, with its log. Bearer `good` may all but what takes `admin`; others are unknown. */
export interface TestServer {
  readonly server: HttpServer;
  /** The lines of the log so far. */
  readonly lines: Record<string, unknown>[];
  /** The log line of a request, once it is written. */
  lineOf(requestId: string): Promise<Record<string, unknown>>;
}

/** What a caller whom `createTestServer` knows sends. */
export const signedIn = { authorization: 'Bearer good' };

/** Makes a server for a test; `addRoutes` adds what it is about. It is not listening. */
export function createTestServer(
  addRoutes: (server: HttpServer) => void = () => {},
  options: Partial<HttpServerOptions> = {},
): TestServer {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const server = createHttpServer({
    log: createLogger({ level: 'info', destination }),
    version: '1.2.3',
    corsOrigins: ['https://app.example.com', 'capacitor://localhost'],
    trustedProxies: [],
    bodyLimitBytes: 10_000,
    requestBudgetMs: 5000,
    authenticate: async (request) => {
      if (request.headers.authorization !== signedIn.authorization)
        throw new AppError('test.unknown', { status: 401, message: 'Who?' });
      Object.assign(request, { caller: { userId: 'user-1' } });
    },
    limit: () => undefined,
    authorize: (_request, permission) => {
      if (permission === 'admin') throw new AppError('test.forbidden', { status: 403, message: 'You may not.' });
    },
    readiness: async () => ({ status: 'ready', reasons: [] }),
    errorCodes: httpErrors.catalogue,
    ...options,
  });
  // So that no test has to: what a generated client calls them is of no matter here.
  server.addHook('onRoute', (route) => {
    route.schema = { operationId: `${route.method} ${route.url}`, ...route.schema };
  });
  addRoutes(server);
  async function lineOf(requestId: string): Promise<Record<string, unknown>> {
    for (;;) {
      const line = lines.find(({ request_id }) => request_id === requestId);
      if (line !== undefined) return line;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { server, lines, lineOf };
}

/** Starts listening and gives the port. */
export async function listen(server: HttpServer): Promise<number> {
  await server.listen({ port: 0, host: '127.0.0.1' });
  return (server.server.address() as AddressInfo).port;
}

/** A bare connection, and all that came from it so far. */
export interface RawConnection {
  readonly socket: Socket;
  received(): string;
  /** Resolves when what came matches; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that came when the other side has closed. */
  closed(): Promise<string>;
}

/** Opens a connection of bare bytes to a server, for what no HTTP client would send. */
export function connectRaw(port: number, text = ''): RawConnection {
  const socket = connect(port, '127.0.0.1', () => socket.write(text));
  let received = '';
  let hasEnded = false;
  const closed = new Promise<string>((resolve) => {
    socket.once('close', () => {
      hasEnded = true;
      resolve(received);
    });
  });
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (chunk) => {
    received += chunk;
  });
  async function until(pattern: RegExp): Promise<string> {
    while (!pattern.test(received)) {
      if (hasEnded) throw new Error(`The connection ended after: ${received}`);
      await Promise.race([new Promise((resolve) => socket.once('data', resolve)), closed]);
    }
    return received;
  }
  return { socket, received: () => received, until, closed: () => closed };
}
