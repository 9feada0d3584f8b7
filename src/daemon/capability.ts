import { readFileSync } from "node:fs";

/** capability.h. */
const NUMBERS = { CAP_NET_BIND_SERVICE: 10, CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_SYS_NICE: 23 } as const;
export type Capability = keyof typeof NUMBERS;

/** Whether this process may what a capability allows (capabilities(7): the effective set). `proc`: where the kernel shows itself. */
export function hasCapability(name: Capability, proc: string): boolean {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync(`${proc}/self/status`, "utf8"))?.[1] ?? "0"}`);
  return ((mask >> BigInt(NUMBERS[name])) & 1n) === 1n;
}
