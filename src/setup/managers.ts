import type { Host } from "./host.js";
import { NM_FILE, RESOLV_CONF, SYSCTL_FILE } from "./names.js";
import type { TextFile } from "./networkd.js";
import type { Mode } from "./wish.js";

/**
 * NetworkManager (Raspberry Pi OS has it) lets go of these cards when it reads its configuration again (NetworkManager.conf(5), keyfile;
 * `+=` leaves what other files say). Where it loses the uplink it must leave /etc/resolv.conf alone, or nobody finds names any more.
 */
export function networkManagerFile(cards: readonly string[], losesUplink: boolean): TextFile {
  const list = cards.map((card) => `interface-name:${card}`).join(";");
  return {
    path: NM_FILE,
    why: `NetworkManager leaves ${cards.join(", ")} alone`,
    text: [
      "# Written by hushbox setup; hushbox setup --undo removes it.",
      ...(losesUplink ? ["[main]", "dns=none", ""] : []),
      "[keyfile]",
      `unmanaged-devices+=${list}`,
      "",
    ].join("\n"),
  };
}

/**
 * Frames of the bridge must not pass iptables a second time: NAT breaks, and TCP stops (measured). The dash: no mistake where br_netfilter
 * is not loaded; udev sets them when it is (99-systemd.rules).
 */
export function sysctlFile(mode: Mode): TextFile {
  const values = sysctls(mode);
  return {
    path: SYSCTL_FILE,
    why:
      mode === "routed"
        ? "packets are forwarded, and bridged ones do not pass iptables"
        : "bridged packets do not pass iptables",
    text: [
      "# Written by hushbox setup; hushbox setup --undo removes it.",
      ...values.map(([key, value]) => `-${key} = ${value}`),
      "",
    ].join("\n"),
  };
}

/** Settings of the kernel, as sysctl names them. */
export function sysctls(mode: Mode): [key: string, value: string][] {
  const bridge = ["iptables", "ip6tables", "arptables"].map((table): [string, string] => [
    `net.bridge.bridge-nf-call-${table}`,
    "0",
  ]);
  return mode === "routed" ? [...bridge, ["net.ipv4.ip_forward", "1"]] : bridge;
}

/** Name servers in force. */
export function nameServers(host: Host): string[] {
  return [...(host.read(RESOLV_CONF) ?? "").matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] ?? "");
}

/** A resolv.conf of its own, where the one in force is about to lose its keeper. */
export function resolvConf(servers: readonly string[]): TextFile {
  return {
    path: RESOLV_CONF,
    why: "name servers stay what they are",
    text: [
      "# Written by hushbox setup; hushbox setup --undo puts back what was here.",
      ...servers.map((one) => `nameserver ${one}`),
      "",
    ].join("\n"),
  };
}
