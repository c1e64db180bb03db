import type { Dispatcher } from 'undici';
import { expect, it, vi } from 'vitest';
import { ProviderResponse } from './provider-response.ts';

/** A request that is under way, and what is done with its connection. */
function begin() {
  const connection = { pause: vi.fn(), resume: vi.fn(), abort: vi.fn() };
  const controller = connection as unknown as Dispatcher.DispatchController;
  return { response: new ProviderResponse(), connection, controller };
}

it('a reader who is slow slows the provider, until all that came is read', async () => {
  const { response, connection, controller } = begin();
  response.onRequestStart(controller);
  response.onResponseStart(controller, 200, {});
  const isRead = Promise.withResolvers<void>();
  const readBytes: number[] = [];
  const reading = response.read((bytes) => {
    readBytes.push(bytes.byteLength);
    return isRead.promise;
  });
  // The first is being read.
  for (let piece = 0; piece < 3; piece++) response.onResponseData(controller, Buffer.alloc(40_000));
  expect([connection.pause.mock.calls.length, connection.resume.mock.calls.length]).toEqual([1, 1]);
  isRead.resolve();
  await vi.waitFor(() => expect(readBytes).toHaveLength(3));
  expect(connection.resume.mock.calls.length).toBe(2);
  response.onResponseEnd();
  await reading;
});

it('a request that is given up while it waits for a connection is not sent over it', () => {
  const { response, connection, controller } = begin();
  const reason = new Error('the caller left');
  response.abort(reason);
  response.onRequestStart(controller);
  expect(connection.abort.mock.calls).toEqual([[reason]]);
  expect(response.isTaken).toBe(false);
});

it('what comes after the end of what is wanted is let by, and the provider is not made to wait with it', async () => {
  const { response, connection, controller } = begin();
  response.onRequestStart(controller);
  response.onResponseStart(controller, 200, {});
  const reading = response.read(() => undefined);
  response.passOver();
  for (let piece = 0; piece < 3; piece++) response.onResponseData(controller, Buffer.alloc(40_000));
  expect(connection.pause).not.toHaveBeenCalled();
  response.onResponseEnd();
  await reading;
});

it('an answer that has come whole is read to its end, also when the request is given up meanwhile', async () => {
  const { response, controller } = begin();
  response.onRequestStart(controller);
  response.onResponseStart(controller, 200, {});
  const isRead = Promise.withResolvers<void>();
  let pieces = 0;
  const reading = response.read(() => {
    pieces++;
    return isRead.promise;
  });
  for (let piece = 0; piece < 2; piece++) response.onResponseData(controller, Buffer.from('{}'));
  response.onResponseEnd();
  response.abort(new Error('its time is up'));
  isRead.resolve();
  await reading;
  expect(pieces).toBe(2);
});
