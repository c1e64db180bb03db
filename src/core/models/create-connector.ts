import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';

import { modelErrors } from './errors.ts';

/** How connections to a provider are made. */
export interface ConnectorOptions {
  /** To connect, TLS included. */
  readonly connectTimeoutMs: number;
  /** Whether the provider may be on this machine or in the operator's own network. */
  readonly allowPrivate: boolean;
}

/** All that is given out of IPv6 as yet. Outside lie, among others, the forms of IPv4 that `::` begins. */
const globalIPv6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address belongs to the public internet. Private, loopback and link-local ones do not, nor those of cloud
 * metadata services, nor IPv6 addresses that another protocol may turn into one of these.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  return parsed.range() === 'unicast' && (parsed instanceof ipaddr.IPv4 || parsed.match(globalIPv6));
}

/** The look-ups of names that are under way. */
const lookUps = new Map<string, Promise<LookupAddress[]>>();

/**
 * Resolves a name as Node does, once at a time for all who ask. Node does two at a time: where a resolver hangs on the name of a
 * provider, as many as there are calls of it would hold back that of the database for as long.
 */
function lookUpOnce(hostname: string): Promise<LookupAddress[]> {
  let underWay = lookUps.get(hostname);
  if (underWay === undefined) {
    underWay = lookup(hostname, { all: true }).finally(() => lookUps.delete(hostname));
    lookUps.set(hostname, underWay);
  }
  return underWay;
}

/** Without `allowPrivate` it refuses a name when any of its addresses is not public. */
function createLookUp(allowPrivate: boolean): LookupFunction {
  return (hostname, { all }, callback) => {
    lookUpOnce(hostname).then(
      (found) => {
        const isAllowed = allowPrivate || found.every(({ address }) => isPublicAddress(address));
        const error = isAllowed ? null : modelErrors.raise.address_refused();
        if (all) callback(error, found);
        else callback(error, found[0]?.address ?? '', found[0]?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

/**
 * Makes the connections to a provider, over HTTP/1.1: there an aborted request closes its connection, which every
 * provider notices. Without `allowPrivate` the addresses that are connected to are checked themselves, so that a name
 * that resolves to another one later (DNS rebinding) gains nothing.
 *
 * The request then fails with `models.address_refused`.
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { allowPrivate, connectTimeoutMs } = options;
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    allowH2: false,
    lookup: createLookUp(allowPrivate),
  });
  if (allowPrivate) return connect;
  return (target, callback) => {
    // An address that stands in the URL is not looked up.
    if (isIP(target.hostname) === 0 || isPublicAddress(target.hostname)) connect(target, callback);
    else callback(modelErrors.raise.address_refused(), null);
  };
}
