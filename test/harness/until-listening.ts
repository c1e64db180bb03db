import { once } from 'node:events';
import { connect } from 'node:net';
import { until } from './until.ts';

/** Waits until something listens on a port of this machine. */
export function untilListening(port: number): Promise<void> {
  return until(async () => {
    const socket = connect(port, '127.0.0.1');
    const answered = await once(socket, 'connect').catch(() => undefined);
    socket.destroy();
    return answered !== undefined;
  });
}
