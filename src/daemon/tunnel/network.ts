import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { isIPv4, isIPv6 } from "node:net";
import { command, must, tool } from "../../emulator/command.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { findInterface, readInterface } from "../../nic/interface.js";
import { turnAllOff } from "../../nic/offload.js";
import { DATAPATH_END, KERNEL_END, MARK, PAIR_MAC } from "./names.js";
import { NO_RULES } from "./rules.js";

/** The largest packets that the pair itself carries: what comes out of the tunnel may be larger than what we put in. */
const PAIR_MTU = 1500;
const SETTINGS = "/proc/sys/net";

/** Loads rules of nft, all or none. */
export async function loadRules(rules: string): Promise<void> {
  await must("loading the kill switch's rules", tool("nft"), ["-f", "-"], rules);
}

/** Makes the pair of interfaces between routing and datapath; one that is there is kept. */
export async function makePair(): Promise<void> {
  if (findInterface(KERNEL_END) === null) {
    await ip("making the pair to the datapath", [
      `link add ${KERNEL_END} address ${PAIR_MAC} mtu ${PAIR_MTU} type veth peer name ${DATAPATH_END} mtu ${PAIR_MTU}`,
    ]);
  }
  setting(`ipv6/conf/${DATAPATH_END}/disable_ipv6`, "1");
  // Whoever is asked for a next hop here answers itself: any address is beyond the pair, and frames need none.
  await ip("setting up the pair to the datapath", [
    `link set ${KERNEL_END} arp off addrgenmode none`,
    `link set ${DATAPATH_END} arp off addrgenmode none`,
    `link set ${KERNEL_END} up`,
    `link set ${DATAPATH_END} up`,
  ]);
  turnAllOff(KERNEL_END);
  turnAllOff(DATAPATH_END);
}

/** The addresses inside the tunnel belong to the kernel's end. */
export async function setAddresses(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const bare = address.split("/")[0] ?? "";
    await ip("setting the tunnel's addresses", [
      `addr replace ${bare}/${isIPv6(bare) ? "128" : "32"} dev ${KERNEL_END}${isIPv6(bare) ? " nodad" : ""}`,
    ]);
  }
}

/** Sends what is marked to the pair, and nowhere where that is gone. */
export async function routeMarked(mtu: number, six: boolean): Promise<void> {
  for (const family of six ? ["-4", "-6"] : ["-4"]) {
    const rules = await must("reading the routing rules", tool("ip"), [
      family,
      "rule",
      "show",
      "priority",
      String(MARK),
    ]);
    if (rules.trim() === "") await ipOf(family, [`rule add fwmark ${MARK} lookup ${MARK} priority ${MARK}`]);
    await ipOf(family, [
      `route replace unreachable default metric 4278198272 table ${MARK}`,
      `route replace default dev ${KERNEL_END} mtu lock ${mtu} table ${MARK}`,
    ]);
  }
}

/** Sends what is for boxes to the pair. */
export async function routeBoxes(
  boxes: readonly { readonly networks: readonly string[]; readonly mtu: number }[],
): Promise<void> {
  const lines = boxes.flatMap(({ networks, mtu }) =>
    networks.map((network) => `route replace ${network} dev ${KERNEL_END} mtu lock ${mtu}`),
  );
  for (const [family, version] of [
    ["-4", isIPv4],
    ["-6", isIPv6],
  ] as const) {
    const own = lines.filter((line) => version(line.split(/[ /]/)[2] ?? ""));
    if (own.length > 0) await ipOf(family, own);
  }
}

/** Brings WireGuard's interface up, without addresses of its own: the kernel does not speak there. */
export async function raiseTunnel(name: string, mtu: number): Promise<void> {
  await ip(`setting up ${name}`, [`link set ${name} mtu ${mtu} addrgenmode none`, `link set ${name} up`]);
  turnAllOff(name);
}

/** Routing between the devices' side and the pair, for these two interfaces alone; IPv6 knows it only for all. */
export function allowForwarding(near: string, six: boolean): void {
  for (const name of [near, KERNEL_END]) setting(`ipv4/conf/${name}/forwarding`, "1");
  // Replies come from where the route to their sender does not lead.
  setting(`ipv4/conf/${KERNEL_END}/rp_filter`, "2");
  if (!six) return;
  keepAdvertisements();
  setting("ipv6/conf/all/forwarding", "1");
}

/**
 * Who takes router advertisements, and has its way to the world from them, goes on to when this machine routes: with accept_ra 1 the kernel
 * then takes no more and forgets the routers that it knows (Linux, networking/ip-sysctl).
 */
function keepAdvertisements(): void {
  const all = "ipv6/conf/all/forwarding";
  // Where it routes already, whoever set that up has decided this.
  if (readSetting(all) !== "0") return;
  for (const name of readdirSync(`${SETTINGS}/ipv6/conf`)) {
    if (name === "all" || name === "default") continue;
    const path = `ipv6/conf/${name}/accept_ra`;
    if (readSetting(path) === "1") setting(path, "2");
  }
}

/** A MAC address of an interface that must be there. */
export function macOf(name: string): string {
  return readInterface(name).mac;
}

/** The largest packets that the routes to addresses take, as the kernel knows it so far, by address. Those without a route are left out. */
export async function routeMtus(addresses: readonly string[]): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  if (addresses.length === 0) return found;
  const input = addresses.map((address) => `route get ${address}\n`).join("");
  const { stdout } = await command(tool("ip"), ["-force", "-j", "-batch", "-"], { input });
  // One array for each.
  for (const [text] of stdout.matchAll(/^\[.*\]/gm)) {
    const [route] = JSON.parse(text) as { dst?: string; dev?: string; metrics?: { mtu?: number }[] }[];
    const learned = route?.metrics?.find(({ mtu }) => mtu !== undefined)?.mtu;
    const mtu = learned ?? (route?.dev === undefined ? undefined : findInterface(route.dev)?.mtu);
    if (route?.dst !== undefined && mtu !== undefined) found.set(route.dst, mtu);
  }
  return found;
}

/** Takes the pair away. What is marked goes nowhere from now on. Idempotent. */
export async function removePair(): Promise<void> {
  if (findInterface(KERNEL_END) !== null) await command(tool("ip"), ["link", "del", KERNEL_END]);
}

/** Takes everything away: kill switch, rules and routes too. Idempotent. */
export async function removeAll(): Promise<void> {
  await removePair();
  for (const family of ["-4", "-6"]) {
    await command(tool("ip"), [family, "rule", "del", "priority", String(MARK)]);
    await command(tool("ip"), [family, "route", "flush", "table", String(MARK)]);
  }
  await loadRules(NO_RULES);
}

/** A kernel setting, or null where there is none. */
function readSetting(path: string): string | null {
  try {
    return readFileSync(`${SETTINGS}/${path}`, "utf8").trim();
  } catch {
    return null;
  }
}

/** Writes a kernel setting where it is not so already. */
function setting(path: string, value: string): void {
  if (readSetting(path) === value) return;
  try {
    writeFileSync(`${SETTINGS}/${path}`, value);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // Without IPv6 there is nothing to set.
    if (code === "ENOENT" && path.startsWith("ipv6/")) return;
    throw new HushboxError(
      code === "EACCES" || code === "EROFS" || code === "EPERM" ? "permission" : "host",
      `setting ${path.replaceAll("/", ".")}: ${message}; where the service may not write kernel settings, set net.${path.replaceAll("/", ".")}=${value} in /etc/sysctl.d, or take over deploy/gateway/hushbox.service.d`,
      cause,
    );
  }
}

async function ip(doing: string, lines: readonly string[]): Promise<void> {
  await must(doing, tool("ip"), ["-batch", "-"], `${lines.join("\n")}\n`);
}

async function ipOf(family: string, lines: readonly string[]): Promise<void> {
  await must("setting the tunnel's routes", tool("ip"), [family, "-batch", "-"], `${lines.join("\n")}\n`);
}
