import { existsSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { processOn, networkManagerCards, type Holder } from "./holders.js";
import type { Host } from "./host.js";
import { parseCountry, parseInterfaces, parsePhys, type Phy } from "./iw-phy.js";
import { BOX_UNIT, RESOLV_CONF } from "./names.js";
import { defaultCard, knownRoutes, type KnownRoute } from "./uplink.js";

/** A Wi-Fi card. */
export interface WifiCard {
  readonly name: string;
  readonly mac: string;
  readonly phy: Phy;
  /** The network that it is a station of, or null. */
  readonly joined: string | null;
  readonly holder: Holder | null;
}

/** What setup wants to know of a machine before it decides anything. */
export interface Facts {
  readonly wifi: readonly WifiCard[];
  /** The card of the default route. */
  readonly uplink: string | null;
  readonly routes: readonly KnownRoute[];
  /** What radio rules are for now. */
  readonly country: string | null;
  readonly networkManager: boolean;
  readonly dhcpcd: boolean;
  readonly resolved: boolean;
  /** hushbox.service is installed. */
  readonly boxUnit: boolean;
  /** systemd-resolved's or somebody else's: /etc/resolv.conf leads there; null: it is a file of its own. */
  readonly resolvLink: string | null;
}

/** Looks; changes nothing. Of a tree that does not run only its files are known. */
export async function readFacts(host: Host): Promise<Facts> {
  return {
    wifi: host.live ? await wifiCards(host) : [],
    uplink: host.live ? await defaultCard(host) : null,
    routes: host.live ? await knownRoutes(host) : [],
    country: parseCountry((host.live ? await host.ask("iw", "reg", "get") : null) ?? ""),
    networkManager: await runs(host, "NetworkManager.service"),
    dhcpcd: await runs(host, "dhcpcd.service"),
    resolved: await runs(host, "systemd-resolved.service"),
    boxUnit: unitFile(host, BOX_UNIT),
    resolvLink: linkOf(host, RESOLV_CONF),
  };
}

async function wifiCards(host: Host): Promise<WifiCard[]> {
  const phys = parsePhys((await host.ask("iw", "phy")) ?? "");
  const managed = await networkManagerCards(host);
  const cards: WifiCard[] = [];
  for (const { name, phy, mac, type, ssid } of parseInterfaces((await host.ask("iw", "dev")) ?? "")) {
    const radio = phys.find((one) => one.name === phy);
    if (radio === undefined || (type !== "managed" && type !== "AP")) continue;
    const connection = managed.get(name);
    const holder: Holder | null =
      (await processOn(host, name)) ??
      (connection === undefined
        ? null
        : { program: "NetworkManager", what: connection.connection, unit: "NetworkManager.service" });
    cards.push({ name, mac, phy: radio, joined: type === "managed" ? ssid : null, holder });
  }
  return cards;
}

/** Whether a unit runs, or, in a tree, would. */
async function runs(host: Host, unit: string): Promise<boolean> {
  if (host.live) return (await host.run("systemctl", "is-active", "--quiet", unit)).code === 0;
  return names(host, "/etc/systemd/system").some(
    (folder) => folder.endsWith(".wants") && linkOf(host, `/etc/systemd/system/${folder}/${unit}`) !== null,
  );
}

/** Whether systemd knows of a unit by its file. */
export function unitFile(host: Host, unit: string): boolean {
  return ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"].some((folder) =>
    existsSync(host.path(`${folder}/systemd/system/${unit}`)),
  );
}

function linkOf(host: Host, path: string): string | null {
  const facts = lstatSync(host.path(path), { throwIfNoEntry: false });
  return facts?.isSymbolicLink() === true ? readlinkSync(host.path(path)) : null;
}

function names(host: Host, folder: string): string[] {
  try {
    return readdirSync(host.path(folder)).sort();
  } catch {
    return [];
  }
}
