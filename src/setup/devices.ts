import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Host } from "./host.js";
import { parseStations } from "./iw-phy.js";
import { macOf, searchSpeakers } from "./speaker-search.js";
import { deviceName, parseDevice, type WishedDevice } from "./wish.js";

/** A device that could be defended, and how it was found. */
export interface Candidate {
  readonly mac: string;
  /** What it calls itself, or null. */
  readonly called: string | null;
  readonly how: string;
}

/** Milliseconds for speakers to answer. */
const SEARCH = 3000;

/** Speakers of the home network, by mDNS. */
export async function speakersAround(host: Host): Promise<Candidate[]> {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address);
  const candidates: Candidate[] = [];
  for (const { called, address, service } of await searchSpeakers(own, SEARCH)) {
    const mac = await macOf(host, address);
    if (mac !== null && !candidates.some((one) => one.mac === mac))
      candidates.push({ mac, called, how: `${service} at ${address}` });
  }
  return candidates;
}

/** Stations of the access point, with the names that they asked an address under where this machine gives them. */
export async function stationsOf(host: Host, card: string): Promise<Candidate[]> {
  const names = leases(host);
  const text = (await host.ask("iw", "dev", card, "station", "dump")) ?? "";
  return parseStations(text).map(({ mac, signal }) => ({
    mac,
    called: names.get(mac) ?? null,
    how: signal === null ? "on the air" : `on the air, ${signal} dBm`,
  }));
}

/** dnsmasq: expiry, MAC, address, name or `*`, identifier. */
function leases(host: Host): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(host.path("/var/lib/hushbox-ap/dnsmasq.leases"), "utf8");
  } catch {
    return new Map();
  }
  const rows = text.split("\n").map((line) => line.split(" "));
  return new Map(rows.flatMap(([, mac = "", , name = "*"]) => (name === "*" || mac === "" ? [] : [[mac, name]])));
}

/** Devices as flags name them: by address, or by a name that is looked for on the network once. Throws `usage` or `setup`. */
export async function namedDevices(
  given: readonly string[],
  around: () => Promise<readonly Candidate[]>,
): Promise<WishedDevice[]> {
  const devices: WishedDevice[] = [];
  let found: readonly Candidate[] | null = null;
  for (const text of given) {
    const plain = parseDevice(text, devices);
    if (plain !== null) {
      devices.push(plain);
      continue;
    }
    found ??= await around();
    devices.push(byName(text, found, devices));
  }
  return devices;
}

function byName(name: string, found: readonly Candidate[], taken: readonly WishedDevice[]): WishedDevice {
  const folded = name.toLowerCase();
  const all = found.filter(({ called }) => called?.toLowerCase() === folded);
  const [first] = all;
  if (first !== undefined && all.length === 1) return { name: deviceName(name, taken), mac: first.mac };
  const there = found.map(({ called, mac }) => `${called ?? "?"} (${mac})`).join(", ");
  const advice = "give its MAC address: --device NAME=aa:bb:cc:dd:ee:ff";
  if (all.length > 1)
    throw new HushboxError(
      "setup",
      `${all.length} speakers are called "${name}" (${all.map(({ mac }) => mac).join(", ")}): ${advice}`,
    );
  throw new HushboxError(
    "setup",
    `no speaker called "${name}" answers on the home network; ${there === "" ? "none does" : `there are ${there}`}: ${advice}`,
  );
}
