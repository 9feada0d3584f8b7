/** 32 bits of two addresses and two ports, in this order: the addresses at `from` and `to`, 16 bytes each. With the ports beside it, a key. */
export function tupleHash(addresses: DataView, from: number, to: number, ports: number): number {
  let hash = ports;
  for (let i = 0; i < 16; i += 4) hash = Math.imul(hash ^ addresses.getInt32(from + i), 0x9e3779b1) ^ (hash >>> 15);
  for (let i = 0; i < 16; i += 4) hash = Math.imul(hash ^ addresses.getInt32(to + i), 0x85ebca6b) ^ (hash >>> 13);
  return hash ^ (hash >>> 16);
}
