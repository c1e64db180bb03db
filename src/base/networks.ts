import { BlockList, isIP } from 'node:net';

const FAMILIES = { 4: 'ipv4', 6: 'ipv6' } as const;
const BITS = { ipv4: 32, ipv6: 128 } as const;

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  return FAMILIES[isIP(address) as keyof typeof FAMILIES];
}

/** A network, `10.0.0.0/8`, or an address, which is one of a single address. Without a family, it is neither. */
export function readNetwork(network: string): {
  address: string;
  family: 'ipv4' | 'ipv6' | undefined;
  prefixBits: number;
} {
  const [address = '', prefixBits] = network.split('/');
  const family = familyOf(address);
  return { address, family, prefixBits: Number(prefixBits ?? BITS[family ?? 'ipv6']) };
}

/** Networks, made ready to look addresses up in. What is no network is left out. */
export function toBlockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const { address, family, prefixBits } = readNetwork(network);
    if (family !== undefined) list.addSubnet(address, prefixBits, family);
  }
  return list;
}

/**
 * Whether an address lies in one of these networks. An IPv4 address that came as IPv6, `::ffff:10.0.0.1`, is the IPv4
 * address; what is no address lies in none.
 */
export function isWithin(networks: BlockList, address: string): boolean {
  const family = familyOf(address);
  return family !== undefined && networks.check(address, family);
}
