import { HushboxError } from "../errors/hushbox-error.js";
import { native, type InterfaceCalls, type InterfaceFacts } from "./native.js";

export type { InterfaceCalls, InterfaceFacts } from "./native.js";

const ETHERNET = 1;
const EPERM = 1;
const ENODEV = 19;

const OTHER_TYPES: Record<number, string> = {
  512: "PPP",
  772: "the loopback interface",
  801: "raw 802.11 (monitor mode)",
  803: "raw 802.11 with radiotap (monitor mode)",
  65534: "a tunnel without Ethernet frames",
};

/** The addon's calls; loaded at first use, so that a machine without it can still read captures. */
export function interfaceCalls(): InterfaceCalls {
  return native();
}

/** Names of all interfaces of this network namespace, up or not. */
export function interfaceNames(calls: InterfaceCalls = interfaceCalls()): string[] {
  const names = calls.interfaceNames();
  if (typeof names === "number") throw failed("listing the network interfaces", names);
  return names;
}

/** The facts of an interface, or null where there is none of that name. */
export function findInterface(name: string, calls: InterfaceCalls = interfaceCalls()): InterfaceFacts | null {
  const facts = calls.interfaceFacts(name);
  if (typeof facts !== "number") return facts;
  if (facts === -ENODEV) return null;
  throw failed(`reading interface ${name}`, facts);
}

/** The facts of an interface that must exist. */
export function readInterface(name: string, calls: InterfaceCalls = interfaceCalls()): InterfaceFacts {
  const facts = findInterface(name, calls);
  if (facts !== null) return facts;
  const there = interfaceNames(calls).join(", ");
  throw new HushboxError("interface-missing", `there is no interface ${name}; this machine has: ${there}`);
}

/** The facts of an interface that must exist and carry Ethernet frames. */
export function readEthernet(name: string, calls: InterfaceCalls = interfaceCalls()): InterfaceFacts {
  const facts = readInterface(name, calls);
  if (facts.type === ETHERNET) return facts;
  const what = OTHER_TYPES[facts.type] ?? `of ARP hardware type ${facts.type}`;
  throw new HushboxError("host", `interface ${name} does not carry Ethernet frames: it is ${what}`);
}

/** The error for a negative errno of the addon. */
export function failed(doing: string, errno: number): HushboxError {
  if (errno === -EPERM) return new HushboxError("permission", `${doing}: this needs CAP_NET_ADMIN (or root)`);
  if (errno === -ENODEV) return new HushboxError("interface-gone", `${doing}: the interface is gone`);
  return new HushboxError("offload", `${doing}: the kernel answers errno ${-errno}`);
}
