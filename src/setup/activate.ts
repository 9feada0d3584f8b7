import { setTimeout as pause } from "node:timers/promises";
import { HushboxError } from "../errors/hushbox-error.js";
import { masterOf } from "../nic/bridge.js";
import type { Host } from "./host.js";
import { parseInterfaces } from "./iw-phy.js";
import { blockRadio, setKnob } from "./kernel-knobs.js";
import type { About } from "./ledger.js";
import { sysctls } from "./managers.js";
import {
  AP_UNIT,
  BOX_CONFIG,
  BOX_UNIT,
  BRIDGE,
  DHCP_UNIT,
  GATEWAY,
  GUARD_UNIT,
  NAT_UNIT,
  NETWORKD,
  OUTSIDE,
} from "./names.js";
import type { Plan } from "./plan.js";

/** How a running setup speaks, waits and is stopped. */
export interface Progress {
  say(line: string): void;
  /** Throws where somebody wants it to end. */
  check(): void;
  /** Milliseconds between two looks at something that takes its time. */
  readonly every: number;
}

/** A router that is slow with addresses, and a radio that looks for neighbours before it begins. */
const LOOKS = 60;

/** Makes what stands in the files true now. Throws `setup` where something does not come up; then it is for the caller to take it back. */
export async function activate(host: Host, plan: Plan, about: About, progress: Progress): Promise<void> {
  const { wish, uplink } = plan;
  await host.must("reading units", "systemctl", "daemon-reload");
  for (const [key, value] of sysctls(wish.mode)) setKnob(host, key, value);
  for (const radio of about.blocked) blockRadio(host, radio, false);
  for (const unit of plan.disable) await host.must(`stopping ${unit}`, "systemctl", "stop", unit);
  if (about.ran.includes("NetworkManager.service"))
    await host.must("telling NetworkManager", "systemctl", "reload", "NetworkManager.service");
  progress.check();
  // Before there is a bridge, with which the access point comes. It goes by the devices that are configured: where they are still to join, it comes
  // with them.
  if (plan.enable.includes(GUARD_UNIT) && host.read(BOX_CONFIG) !== null) await startGuard(host);
  progress.say(`joining the cards in the bridge ${BRIDGE}`);
  if (about.ifupdown) await host.run("ifdown", "--force", uplink.name);
  await startNetworkd(host, plan);
  await networkIsUp(host, plan, progress);
  progress.check();
  progress.say(`starting the access point "${wish.radio.ssid}"`);
  await host.must("starting the access point", "systemctl", "restart", AP_UNIT);
  if (wish.mode === "routed") {
    await host.must("loading the rules of nftables", "systemctl", "restart", NAT_UNIT);
    await host.must("starting dnsmasq", "systemctl", "restart", DHCP_UNIT);
  }
  await accessPointIsUp(host, wish.inside, progress);
}

async function startNetworkd(host: Host, { wish, uplink }: Plan): Promise<void> {
  const runs = (await host.run("systemctl", "is-active", "--quiet", NETWORKD)).code === 0;
  if (!runs) {
    await host.must("starting systemd-networkd", "systemctl", "start", NETWORKD);
    return;
  }
  await host.must("telling systemd-networkd", "networkctl", "reload");
  if (wish.mode === "bridged" && masterOf(uplink.name, host.path("/sys")) !== BRIDGE)
    await host.must(`handing ${uplink.name} to the bridge`, "networkctl", "reconfigure", uplink.name);
}

async function networkIsUp(host: Host, { wish, uplink }: Plan, progress: Progress): Promise<void> {
  const port = wish.mode === "bridged" ? uplink.name : OUTSIDE;
  await until(
    progress,
    () => Promise.resolve(masterOf(port, host.path("/sys")) === BRIDGE),
    () =>
      `${port} did not become a port of ${BRIDGE}: another file of systemd-networkd takes it (networkctl status ${port} names it)`,
  );
  if (wish.mode === "bridged" && !uplink.addressed) return;
  const card = wish.mode === "bridged" ? BRIDGE : GATEWAY;
  await until(
    progress,
    () => hasAddress(host, card),
    () =>
      wish.mode === "bridged"
        ? `the bridge got no address from the router in ${(LOOKS * progress.every) / 1000} s`
        : `${GATEWAY} got no address (networkctl status ${GATEWAY} says why)`,
  );
}

async function accessPointIsUp(host: Host, card: string, progress: Progress): Promise<void> {
  const sends = async (): Promise<boolean> => {
    const interfaces = parseInterfaces((await host.ask("iw", "dev")) ?? "");
    return (
      masterOf(card, host.path("/sys")) === BRIDGE &&
      interfaces.some(({ name, type }) => name === card && type === "AP")
    );
  };
  try {
    await until(progress, sends, () => "the access point did not come up");
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    const log = (await host.ask("journalctl", "-u", AP_UNIT, "-n", "8", "-o", "cat", "--no-pager")) ?? "";
    throw new HushboxError("setup", `${error.message}; hostapd says:\n${log.trim()}`, error);
  }
}

async function hasAddress(host: Host, card: string): Promise<boolean> {
  const text = (await host.ask("ip", "-4", "-o", "address", "show", "dev", card, "scope", "global")) ?? "";
  return text.includes(" inet ");
}

async function until(progress: Progress, look: () => Promise<boolean>, otherwise: () => string): Promise<void> {
  for (let i = 0; i < LOOKS; i++) {
    progress.check();
    if (await look()) return;
    await pause(progress.every);
  }
  throw new HushboxError("setup", otherwise());
}

/** Keeps undefended frames of the configured devices back, from now on. */
export async function startGuard(host: Host): Promise<void> {
  await host.must("starting the guard", "systemctl", "restart", GUARD_UNIT);
}

/** hushbox itself, once its configuration is there. */
export async function startBox(host: Host): Promise<void> {
  const { code } = await host.run("systemctl", "restart", BOX_UNIT);
  if (code === 0) return;
  const log = (await host.ask("journalctl", "-u", BOX_UNIT, "-n", "8", "-o", "cat", "--no-pager")) ?? "";
  throw new HushboxError("setup", `hushbox did not start; it says:\n${log.trim()}`);
}
