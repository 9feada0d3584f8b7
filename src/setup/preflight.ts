import { HushboxError } from "../errors/hushbox-error.js";
import type { Facts } from "./facts.js";
import type { Host } from "./host.js";
import { DHCP_UNIT } from "./names.js";
import type { Mode } from "./wish.js";

/** Programs by Debian package. */
const NEEDED: Readonly<Record<string, string>> = {
  hostapd: "hostapd",
  iw: "iw",
  nft: "nftables",
  networkctl: "systemd",
  ip: "iproute2",
};
const ROUTED: Readonly<Record<string, string>> = { dnsmasq: "dnsmasq-base" };

/** What has to be there before questions make sense. */
export function checkPrograms(host: Host, radioRules: boolean): void {
  const missing = [...packages(host, NEEDED), ...(radioRules ? [] : ["wireless-regdb"])];
  if (missing.length > 0) throw missingPackages(missing);
}

/** What has to be there before anything is changed. */
export function checkBefore(host: Host, facts: Facts, mode: Mode): void {
  if (mode === "routed") {
    const missing = packages(host, ROUTED);
    if (missing.length > 0) throw missingPackages(missing);
  }
  if (facts.dhcpcd && mode === "bridged")
    throw new HushboxError(
      "setup",
      "dhcpcd looks after this machine's cards, and setup does not know how to take one from it: move to NetworkManager (raspi-config, Advanced Options, Network Config) or to systemd-networkd, or choose --mode routed",
    );
}

function packages(host: Host, programs: Readonly<Record<string, string>>): string[] {
  return Object.entries(programs).flatMap(([program, name]) => (host.has(program) ? [] : [name]));
}

function missingPackages(names: readonly string[]): HushboxError {
  return new HushboxError("setup", `programs are missing: sudo apt-get install ${names.join(" ")}`);
}

const PROBE = "hushbox_probe";

/** Whether the kernel can filter bridged frames: without, hushbox cannot take a speaker's frames from the bridge. */
export async function checkBridgeFamily(host: Host): Promise<void> {
  const { code, stderr } = await host.run("nft", "add", "table", "bridge", PROBE);
  if (code === 0) {
    await host.run("nft", "delete", "table", "bridge", PROBE);
    return;
  }
  throw new HushboxError(
    "setup",
    `this kernel does not filter bridged frames (nftables family bridge, CONFIG_NF_TABLES_BRIDGE): use the kernel of Debian or Raspberry Pi OS, and reboot after an upgrade of it; nft says: ${stderr.trim().split("\n")[0] ?? ""}`,
  );
}

/** Routed: dnsmasq wants port 67 of all addresses. */
export async function checkPorts(host: Host): Promise<void> {
  if ((await host.run("systemctl", "is-active", "--quiet", DHCP_UNIT)).code === 0) return;
  // /proc/net/udp: address and port in hexadecimal.
  if (!/^\s*\d+: 00000000:0043 /m.test(host.read("/proc/net/udp") ?? "")) return;
  throw new HushboxError(
    "setup",
    "another DHCP server runs on this machine (port 67 is taken; ss -ulpn 'sport = :67' names it): stop it first, or choose --mode bridged",
  );
}
