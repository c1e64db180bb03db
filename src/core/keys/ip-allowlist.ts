import { BlockList, isIP } from 'node:net';

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;
const BITS = { ipv4: 32, ipv6: 128 } as const;

/** A network, `10.0.0.0/8`, or an address, which is one of a single address. */
function readRange(range: string): { address: string; family: 'ipv4' | 'ipv6' | undefined; prefixBits: number } {
  const [address = '', prefixBits] = range.split('/');
  const family = familyOf(address);
  return { address, family, prefixBits: Number(prefixBits ?? BITS[family ?? 'ipv6']) };
}

/** A list lives as long as the cached caller that it belongs to, and so does what is made of it. */
const networks = new WeakMap<readonly string[], BlockList>();

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  return FAMILIES[isIP(address) as keyof typeof FAMILIES];
}

function toNetworks(allowlist: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of allowlist) {
    const { address, family, prefixBits } = readRange(range);
    if (family !== undefined) list.addSubnet(address, prefixBits, family);
  }
  return list;
}

/**
 * Whether an address lies in one of these networks. An IPv4 address that came as IPv6, `::ffff:10.0.0.1`, is the IPv4
 * address.
 */
export function isAllowedFrom(allowlist: readonly string[], address: string): boolean {
  const family = familyOf(address);
  if (family === undefined) return false;
  let list = networks.get(allowlist);
  if (list === undefined) {
    list = toNetworks(allowlist);
    networks.set(allowlist, list);
  }
  return list.check(address, family);
}

/**
 * Whether each of these networks lies within one of others. One that several of them cover together does not, nor one that
 * is written in the other version of IP.
 */
export function areWithin(networks: readonly string[], others: readonly string[]): boolean {
  return networks.every((network) => {
    const { address, family, prefixBits } = readRange(network);
    return others.some((other) => {
      const outer = readRange(other);
      return outer.family === family && outer.prefixBits <= prefixBits && isAllowedFrom([other], address);
    });
  });
}
