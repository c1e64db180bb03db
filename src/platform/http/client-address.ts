import type { IncomingMessage } from 'node:http';
import { type BlockList, isIP } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isWithin, toBlockList } from '../../base/networks.ts';

/** The address of nobody (RFC 4291, 2.5.2), for connections that have none: closed ones. */
const UNSPECIFIED = '::';

/** An address in brackets, or of IPv4, with a port or without. IPv6 without brackets has no port to tell from it. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d+)?$/;

/** The bare address: without brackets, without the port, and without the zone, which means nothing on another machine. */
function toAddress(text: string): string | undefined {
  if (isIP(text) !== 0 && !text.includes('%')) return text;
  const [, bracketed, beforePort] = WITH_PORT.exec(text) ?? [];
  const [address = ''] = (bracketed ?? beforePort ?? text).split('%', 1);
  return isIP(address) === 0 ? undefined : address;
}

/**
 * Who sent a request: the connection's other end, or, where that is a trusted proxy, whom that one names last in
 * `X-Forwarded-For`, and so on from proxy to proxy. Ports are cut off: each connection has another.
 *
 * A proxy that names no address but `unknown`, `_hidden` or rubbish counts as the client itself, as when it names nobody:
 * all that it passes on shares one client's limits, so that rubbish is no way around them. Nothing before the rubbish is
 * believed: who wrote that, nobody knows.
 */
function clientAddress({ headers, socket }: IncomingMessage, trustedProxies: BlockList): string {
  let address = toAddress(socket.remoteAddress ?? '') ?? UNSPECIFIED;
  const forwarded = headers['x-forwarded-for'];
  if (forwarded === undefined) return address;
  const named = String(forwarded).split(',');
  while (named.length > 0 && isWithin(trustedProxies, address)) {
    const next = toAddress((named.pop() ?? '').trim());
    if (next === undefined) return address;
    address = next;
  }
  return address;
}

/**
 * Makes `request.ip` the client's address, and always one: for limits, allowlists and columns of the type `inet`. Fastify's
 * own gives what the proxy wrote, unchecked, and does not know a proxy that is named with its port.
 */
export function knowClientAddresses(server: FastifyInstance, trustedProxies: readonly string[]): void {
  const networks = toBlockList(trustedProxies);
  server.decorateRequest('ip', {
    getter(this: FastifyRequest) {
      return clientAddress(this.raw, networks);
    },
  });
}
