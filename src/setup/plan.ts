import { statSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { boxConfig } from "./box-config.js";
import { unitFile, type Facts, type WifiCard } from "./facts.js";
import { hostapdConfig } from "./hostapd.js";
import type { Host } from "./host.js";
import { ifupdownFiles } from "./ifupdown.js";
import { nameServers, networkManagerFile, resolvConf, sysctlFile } from "./managers.js";
import {
  AP_CONFIG,
  AP_UNIT,
  BOX_UNIT,
  BRIDGE,
  DHCP_UNIT,
  GATEWAY,
  GUARD_UNIT,
  NAT_UNIT,
  NETWORKD,
  OUTSIDE,
} from "./names.js";
import { bridgedNetwork, routedNetwork, type TextFile } from "./networkd.js";
import type { Owner } from "./path-state.js";
import { dnsmasqConfig, natRules } from "./routed.js";
import type { Wanted } from "./transaction.js";
import type { Uplink } from "./uplink.js";
import { accessPointUnit, boxDropIn, dhcpUnit, natUnit } from "./units.js";
import type { Wish, WishedDevice } from "./wish.js";

/** A file of the plan, with what the reader of the plan may know of it. */
export interface PlannedFile extends Wanted {
  readonly why: string;
  /** The password stands in it. */
  readonly secret: boolean;
}

/** Everything that setup will change. */
export interface Plan {
  readonly wish: Wish;
  readonly uplink: Uplink;
  readonly files: readonly PlannedFile[];
  /** Started at boot, and now. */
  readonly enable: readonly string[];
  /** Stopped, now and at boot. */
  readonly disable: readonly string[];
}

const ROOT: Owner = { mode: 0o644, uid: 0, gid: 0 };

/** The access point, without hushbox itself. */
export function planAccessPoint(
  host: Host,
  facts: Facts,
  { wish, uplink, card, closed }: { wish: Wish; uplink: Uplink; card: WifiCard | null; closed: boolean },
): Plan {
  const { mode, inside, subnet } = wish;
  const taken = mode === "bridged" ? [inside, uplink.name] : [inside];
  const own = mode === "bridged" ? [BRIDGE] : [BRIDGE, OUTSIDE, GATEWAY];
  const files: TextFile[] =
    mode === "bridged"
      ? bridgedNetwork(inside, uplink, nameServers(host))
      : [
          ...routedNetwork(inside, card?.mac ?? inside, given(subnet)),
          dnsmasqConfig(given(subnet)),
          natRules(given(subnet), uplink.name),
        ];
  files.push(accessPointUnit(inside, wish.isolate), sysctlFile(mode), ...ifupdownFiles(host, taken));
  if (mode === "routed") files.push(dhcpUnit(), natUnit());
  if (facts.networkManager) files.push(networkManagerFile([...taken, ...own], mode === "bridged"));
  if (facts.boxUnit) files.push(boxDropIn());
  // Who keeps a generated file stops keeping it when the uplink is taken.
  const generated = facts.resolvLink?.includes("/run/") === true && !facts.resolved;
  const servers = nameServers(host);
  if (mode === "bridged" && generated && servers.length > 0) files.push(resolvConf(servers));
  const access = {
    path: AP_CONFIG,
    why: "the radio network",
    text: hostapdConfig(inside, wish.radio, card?.phy ?? null, wish.isolate),
  };
  const routed = mode === "routed" ? [NAT_UNIT, DHCP_UNIT] : [];
  const guard = closed && unitFile(host, GUARD_UNIT) ? [GUARD_UNIT] : [];
  const held = card?.holder?.program === "wpa_supplicant" ? card.holder.unit : null;
  return {
    wish,
    uplink,
    files: [
      ...files.map((file) => ({ ...file, owner: ROOT, secret: false })),
      { ...access, owner: { ...ROOT, mode: 0o600 }, secret: true },
    ],
    enable: [NETWORKD, ...guard, ...routed, AP_UNIT, ...(facts.boxUnit ? [BOX_UNIT] : [])],
    disable: held === null ? [] : [held],
  };
}

/** hushbox's own configuration, once the devices are known. */
export function planBox(host: Host, wish: Wish, devices: readonly WishedDevice[], now: string | null): PlannedFile {
  const outside = wish.mode === "routed" ? OUTSIDE : wish.uplink;
  const { inside, preset, onFailure, isolate } = wish;
  const file = boxConfig(now, { inside, outside, devices, preset, onFailure, isolate });
  return { ...file, secret: false, owner: boxOwner(host, file.path) };
}

/** The file stays whose it is; a new one is the daemon's, where it has a user of its own, so that it can keep changes. */
function boxOwner(host: Host, path: string): Owner {
  const facts = statSync(host.path(path), { throwIfNoEntry: false });
  if (facts !== undefined) return { mode: facts.mode & 0o7777, uid: facts.uid, gid: facts.gid };
  const user = /^hushbox:[^:]*:(\d+):(\d+):/m.exec(host.read("/etc/passwd") ?? "");
  return { mode: 0o600, uid: Number(user?.[1] ?? 0), gid: Number(user?.[2] ?? 0) };
}

function given<T>(value: T | null): T {
  if (value === null) throw new HushboxError("internal", "routed mode needs a network");
  return value;
}
