import { HushboxError } from "../errors/hushbox-error.js";
import type { Facts, WifiCard } from "./facts.js";
import type { Host } from "./host.js";
import { switchedOff } from "./kernel-knobs.js";
import type { Mode } from "./wish.js";
import { kindOf } from "./uplink.js";
import type { Asker } from "./terminal.js";

/** What a person said of cards; null: it is for setup to find out. */
export interface CardFlags {
  readonly inside: string | null;
  readonly outside: string | null;
  /** Take the card from the network that it is joined to. */
  readonly take: boolean;
}

function refused(what: string): HushboxError {
  return new HushboxError("setup", what);
}

/** The card toward the router. */
export function chooseUplink(facts: Facts, flags: CardFlags): string {
  const name = flags.outside ?? facts.uplink;
  if (name !== null) return name;
  throw refused(
    "this machine has no way to the Internet (no default route): plug the cable to the router in, or name its card with --outside",
  );
}

/** What an uplink has to be for a mode. */
export function checkUplink(host: Host, uplink: string, mode: Mode): void {
  const kind = kindOf(host, uplink);
  const { live } = host;
  if (kind === "absent" && live) throw refused(`there is no card ${uplink}: ip link lists those that there are`);
  if (mode === "routed") return;
  if (kind === "wifi")
    throw refused(
      `${uplink}, the way to the router, is Wi-Fi, and a Wi-Fi station cannot be part of a bridge: plug in a cable, or choose --mode routed`,
    );
  if (kind === "bridge")
    throw refused(
      `${uplink}, the way to the router, is a bridge already: name the card with the cable with --outside after taking it out of ${uplink}, or choose --mode routed`,
    );
  if (kind === "tunnel")
    throw refused(
      `${uplink}, the way to the router, is no Ethernet card: name one with --outside, or choose --mode routed`,
    );
}

/** The card that becomes the access point. Throws `setup` where there is none that can. */
export async function chooseCard(
  host: Host,
  facts: Facts,
  uplink: string,
  flags: CardFlags,
  asker: Asker | null,
): Promise<WifiCard> {
  const { wifi } = facts;
  if (wifi.length === 0)
    throw refused(
      "this machine has no Wi-Fi card that Linux knows (iw dev lists none): plug one in, or install its firmware (dmesg names it)",
    );
  if (flags.inside !== null && !wifi.some(({ name }) => name === flags.inside))
    throw refused(`${flags.inside} is no Wi-Fi card; there are ${listed(wifi)}`);
  const wanted = wifi.filter(({ name }) => flags.inside === null || name === flags.inside);
  const able = wanted.filter(({ phy }) => phy.accessPoint);
  if (able.length === 0)
    throw refused(
      `${listed(wanted)} cannot be an access point (iw phy does not list AP among its modes): use another card, such as a USB stick with a chip of MediaTek (mt76)`,
    );
  const free = able.filter(({ name }) => name !== uplink);
  if (free.length === 0)
    throw refused(
      `${uplink} is this machine's own way to the Internet and cannot be the access point too: plug in a cable to the router, or a second Wi-Fi card`,
    );
  const card = await one(free, asker);
  if (switchedOff(host)) throw refused(`the radio is switched off by a switch of the machine (rfkill): turn it on`);
  checkFree(card, flags.take);
  return card;
}

async function one(cards: readonly WifiCard[], asker: Asker | null): Promise<WifiCard> {
  const [first] = cards;
  if (first !== undefined && cards.length === 1) return first;
  if (asker === null)
    throw new HushboxError("usage", `several cards can be the access point (${listed(cards)}): name one with --inside`);
  const name = await asker.choose(
    "Which card shall be the access point?",
    cards.map((card) => ({ value: card.name, words: `${card.name} (${card.mac})` })),
  );
  return cards.find((card) => card.name === name) ?? one(cards, null);
}

/** Somebody else's card is not taken unasked. */
function checkFree({ name, joined, holder }: WifiCard, take: boolean): void {
  if (holder?.program === "hostapd")
    throw refused(
      `${name} is an access point already (hostapd, ${holder.what}): stop that one first, as by systemctl disable --now hostapd`,
    );
  if (holder?.program === "wpa_supplicant" && holder.unit === null)
    throw refused(
      `${name} is in the hands of wpa_supplicant (${holder.what}): end it, and what starts it, first (ifdown ${name})`,
    );
  if (holder?.program === "wpa_supplicant" && !take)
    throw refused(
      `${name} is in the hands of ${holder.what}: systemctl disable --now ${holder.what}, or let setup do that: --take`,
    );
  if (joined !== null && !take) {
    const how = holder?.program === "NetworkManager" ? `nmcli connection down "${holder.what}"` : "disconnect it";
    throw refused(`${name} is joined to the network "${joined}": ${how}, or let setup take it from there: --take`);
  }
}

function listed(cards: readonly WifiCard[]): string {
  return cards.map(({ name }) => name).join(", ");
}
