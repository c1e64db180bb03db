import { Later } from '../../../base/later.ts';

/** A socket of a user, as whoever hears of changes sees it. */
interface UserSocket {
  /** Disconnects a client who may no longer call. Rejects then, and where that cannot be told. */
  recheck(): Promise<void>;
}

/** The open sockets of each user, so that a change of one concerns nobody else. */
export class SocketsByUser {
  readonly #sockets = new Map<string, Set<UserSocket>>();
  readonly #later = new Later<UserSocket>((socket) => this.check(socket));

  add(userId: string, socket: UserSocket): void {
    const sockets = this.#sockets.get(userId) ?? new Set();
    this.#sockets.set(userId, sockets.add(socket));
  }

  delete(userId: string, socket: UserSocket): void {
    const sockets = this.#sockets.get(userId);
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#sockets.delete(userId);
  }

  /** Has the sockets of a user checked, or without one all. */
  recheck(userId: string | undefined): void {
    const concerned = userId === undefined ? [...this.#sockets.values()] : [this.#sockets.get(userId) ?? []];
    for (const sockets of concerned) for (const socket of sockets) this.check(socket);
  }

  /** Has a socket checked, again and again where it cannot be told: nobody will say once more that the user has changed. */
  check(socket: UserSocket): void {
    socket.recheck().catch(() => this.#later.add(socket));
  }
}
