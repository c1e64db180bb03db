import type { BlockList } from 'node:net';
import { isWithin, readNetwork, toBlockList } from '../../base/networks.ts';

/** A list lives as long as the cached caller that it belongs to, and so does what is made of it. */
const networks = new WeakMap<readonly string[], BlockList>();

/** Whether an address lies in one of these networks. */
export function isAllowedFrom(allowlist: readonly string[], address: string): boolean {
  let list = networks.get(allowlist);
  if (list === undefined) {
    list = toBlockList(allowlist);
    networks.set(allowlist, list);
  }
  return isWithin(list, address);
}

/**
 * Whether each of these networks lies within one of others. One that several of them cover together does not, nor one that
 * is written in the other version of IP.
 */
export function areWithin(networks: readonly string[], others: readonly string[]): boolean {
  return networks.every((network) => {
    const { address, family, prefixBits } = readNetwork(network);
    return others.some((other) => {
      const outer = readNetwork(other);
      return outer.family === family && outer.prefixBits <= prefixBits && isAllowedFrom([other], address);
    });
  });
}
