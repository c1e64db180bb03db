import ipaddr from 'ipaddr.js';

const NETWORK_GROUPS = 4;

/**
 * What an address is counted under: an IPv4 address itself; of an IPv6 address its /64, which is what one customer of a
 * network gets, with 2^64 addresses to choose from. An IPv4 address written as IPv6 counts as IPv4.
 */
export function addressKey(ip: string): string {
  if (!ip.includes(':')) return ip;
  const address = ipaddr.process(ip);
  if (address instanceof ipaddr.IPv4) return address.toString();
  const network = address.parts.slice(0, NETWORK_GROUPS).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
