import { HushboxError } from "../errors/hushbox-error.js";
import type { WifiCard } from "./facts.js";
import { bandOf, checkChannel, checkSecurity, DEFAULT_CHANNEL } from "./hostapd.js";
import { checkCountry } from "./regulatory.js";
import { LARGEST_PREFIX } from "./routed.js";
import { Subnet } from "./subnet.js";
import type { Asker } from "./terminal.js";
import type { KnownRoute } from "./uplink.js";
import { checkPassword, checkSsid, type BandName, type Mode, type Radio, type Security } from "./wish.js";

/** What a person said of the radio; null: not yet. */
export interface RadioFlags {
  readonly ssid: string | null;
  readonly password: string | null;
  readonly country: string | null;
  readonly security: Security | null;
  readonly band: BandName | null;
  readonly channel: number | null;
}

export interface RadioFacts {
  /** Null where the card is not here to be asked. */
  readonly card: WifiCard | null;
  /** What radio rules are for now. */
  readonly country: string | null;
  readonly countries: ReadonlySet<string> | null;
}

/** What is missing and cannot be asked for. */
export function checkComplete(flags: RadioFlags, facts: RadioFacts): void {
  const missing = [
    ...(flags.ssid === null ? ["--ssid NAME"] : []),
    ...(flags.password === null ? ["--password-file FILE"] : []),
    ...(flags.country === null && countryNow(facts) === "" ? ["--country CC"] : []),
  ];
  if (missing.length > 0) throw new HushboxError("usage", `without questions it needs ${missing.join(", ")}`);
}

/** `00` is the world's, `98` and `99` are the kernel's own words for a mixture and for none. */
function countryNow({ country }: RadioFacts): string {
  return country !== null && /^[A-Z]{2}$/.test(country) ? country : "";
}

/** All of the radio network, checked: from flags, else by asking. */
export async function askRadio(flags: RadioFlags, facts: RadioFacts, asker: Asker | null): Promise<Radio> {
  if (asker === null) checkComplete(flags, facts);
  const phy = facts.card?.phy ?? null;
  const ask = async (given: string | null, question: (asker: Asker) => Promise<string>): Promise<string> =>
    given ?? (asker === null ? "" : await question(asker));
  const ssid = await ask(flags.ssid, (a) => a.text("Name of the new network", "hushbox", checkSsid));
  checkSsid(ssid);
  const wpa3 = phy === null || (phy.authenticates && phy.protectsManagement);
  const security = flags.security ?? (asker === null || !wpa3 ? "wpa2" : await askSecurity(asker));
  if (phy !== null) checkSecurity(phy, security);
  const password = await ask(flags.password, (a) =>
    a.secret("Its password, 8 to 63 characters", (given) => {
      checkPassword(given, security);
    }),
  );
  checkPassword(password, security);
  const country = checkCountry(
    flags.country ??
      (asker === null
        ? countryNow(facts)
        : await asker.text("Country, two letters", countryNow(facts), (given) => {
            checkCountry(given, facts.countries);
          })),
    facts.countries,
  );
  const band = flags.band ?? bandOfChannel(flags.channel) ?? (asker === null ? "2.4" : await askBand(asker, facts));
  const channel = flags.channel ?? DEFAULT_CHANNEL[band];
  if (phy !== null) checkChannel(phy, band, channel, facts.country === country);
  return { ssid, password, country, security, band, channel };
}

function bandOfChannel(channel: number | null): BandName | null {
  if (channel === null) return null;
  return channel <= 14 ? "2.4" : "5";
}

function askSecurity(asker: Asker): Promise<Security> {
  return asker.choose("How is the network protected?", [
    { value: "wpa2", words: "WPA2: every speaker knows it" },
    { value: "transition", words: "WPA2 and WPA3: each speaker takes what it knows; a few old ones stumble over it" },
    { value: "wpa3", words: "WPA3 alone" },
  ]);
}

async function askBand(asker: Asker, { card }: RadioFacts): Promise<BandName> {
  if (card !== null && bandOf(card.phy, "5") === null) return "2.4";
  return asker.choose("Which band?", [
    { value: "2.4", words: "2.4 GHz: every speaker knows it, and it reaches further" },
    { value: "5", words: "5 GHz: faster, and fewer neighbours" },
  ]);
}

export async function askMode(given: Mode | null, asker: Asker | null): Promise<Mode> {
  if (given !== null) return given;
  if (asker === null) return "bridged";
  return asker.choose("Where shall the speakers be?", [
    { value: "bridged", words: "bridged: in the home network as before, so that casting works" },
    { value: "routed", words: "routed: in a network of their own behind this machine" },
  ]);
}

/** Tried in this order where none is named. */
const SUBNETS = ["192.168.77.0/24", "192.168.177.0/24", "10.177.77.0/24"] as const;

/** A network for the speakers that no route of this machine knows yet. */
export function chooseSubnet(given: string | null, routes: readonly KnownRoute[]): Subnet {
  const clash = (subnet: Subnet): KnownRoute | undefined => routes.find(({ network }) => network.overlaps(subnet));
  if (given !== null) {
    const subnet = Subnet.parse(given);
    if (subnet === null || subnet.bits < 8 || subnet.bits > LARGEST_PREFIX)
      throw new HushboxError(
        "usage",
        `--subnet "${given}" is no network such as 192.168.77.0/24 (/8 to /${LARGEST_PREFIX})`,
      );
    const other = clash(subnet);
    if (other !== undefined)
      throw new HushboxError(
        "setup",
        `the network ${subnet.toString()} overlaps ${other.network.toString()}, which this machine reaches through ${other.card}: choose another --subnet`,
      );
    return subnet;
  }
  const free = SUBNETS.map((text) => Subnet.parse(text)).find(
    (subnet) => subnet !== null && clash(subnet) === undefined,
  );
  if (free !== null && free !== undefined) return free;
  throw new HushboxError("setup", `${SUBNETS.join(", ")} are all in use here: choose a free network with --subnet`);
}
