import { HushboxError } from "../errors/hushbox-error.js";
import type { Band, Channel, Phy } from "./iw-phy.js";
import { BRIDGE } from "./names.js";
import type { BandName, Radio, Security } from "./wish.js";

/** HT Capability Information (IEEE 802.11-2020, 9.4.2.55.2). */
const HT_40_MHZ = 0x0002;
const HT_SHORT_GI_20 = 0x0020;
const HT_SHORT_GI_40 = 0x0040;
/** VHT Capabilities Information (9.4.2.157.2). */
const VHT_SHORT_GI_80 = 0x0020;

/** Centres of 80 MHz by their first channel (operating classes 128 and 130, table E-4): centre and channels. */
const WIDE: readonly (readonly [centre: number, channels: readonly number[]])[] = [
  [42, [36, 40, 44, 48]],
  [58, [52, 56, 60, 64]],
  [106, [100, 104, 108, 112]],
  [122, [116, 120, 124, 128]],
  [138, [132, 136, 140, 144]],
  [155, [149, 153, 157, 161]],
];

/** What speakers find first: those that only know 2.4 GHz too. */
export const DEFAULT_CHANNEL: Readonly<Record<BandName, number>> = { "2.4": 6, "5": 36 };

/** The card's band, or null where it has none of that name. */
export function bandOf(phy: Phy, name: BandName): Band | null {
  return phy.bands.find(({ channels }) => channels.some(({ mhz }) => bandAt(mhz) === name)) ?? null;
}

function bandAt(mhz: number): BandName | null {
  if (mhz < 2500) return "2.4";
  return mhz > 4900 && mhz < 5900 ? "5" : null;
}

/**
 * Says why a channel will not do, if so. What depends on the country counts only where the card's list is of that country already:
 * before, hostapd is who finds out.
 */
export function checkChannel(phy: Phy, band: BandName, number: number, countryInForce: boolean): void {
  const found = bandOf(phy, band);
  if (found === null) throw wrong(`the card has no ${band} GHz: choose --band ${band === "5" ? "2.4" : "5"}`);
  const usable = found.channels.filter((one) => !one.radar && (!countryInForce || (!one.disabled && !one.listenOnly)));
  const channel = found.channels.find((one) => one.number === number);
  const others = `choose --channel ${usable.map((one) => String(one.number)).join(", ")}`;
  if (channel === undefined) throw wrong(`the card has no channel ${number} at ${band} GHz: ${others}`);
  if (channel.radar)
    throw wrong(`channel ${number} is shared with radar: the network would be off whenever one is heard; ${others}`);
  if (!usable.includes(channel)) throw wrong(`channel ${number} is not for access points in this country: ${others}`);
}

/** Says why a card cannot do WPA3, if so. */
export function checkSecurity(phy: Phy, security: Security): void {
  if (security === "wpa2" || (phy.authenticates && phy.protectsManagement)) return;
  throw wrong(
    "this card's firmware does not let hostapd do WPA3 (the built-in card of a Raspberry Pi is such a one): choose --security wpa2",
  );
}

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}

/** hostapd's configuration. `phy` is null where the card is not here: then it says nothing that a card may not have. */
export function hostapdConfig(card: string, radio: Radio, phy: Phy | null, isolate: boolean): string {
  const { country, band, channel } = radio;
  return `${[
    "# Written by hushbox setup; hushbox setup --undo removes it. The password stands in it: for root alone.",
    `interface=${card}`,
    "driver=nl80211",
    "# Stations are joined with the card toward the router here: hushbox stands between the two.",
    `bridge=${BRIDGE}`,
    "ctrl_interface=/run/hushbox-ap",
    "",
    ...nameLines(radio.ssid),
    `country_code=${country}`,
    "# Stations are told of the country's rules.",
    "ieee80211d=1",
    `hw_mode=${band === "5" ? "a" : "g"}`,
    `channel=${channel}`,
    ...speedLines(radio, phy === null ? null : bandOf(phy, band)),
    "",
    ...securityLines(radio),
    ...(isolate ? isolateLines() : []),
  ].join("\n")}\n`;
}

/** The radio does not relay, and stations do not open links past the access point (TDLS); see Debian's hostapd.conf. */
function isolateLines(): string[] {
  return [
    "",
    "# Frames between two stations go to the bridge, and so through hushbox.",
    "ap_isolate=1",
    "tdls_prohibit=1",
  ];
}

/** As it is where that is unambiguous, else in hexadecimal. */
function nameLines(ssid: string): string[] {
  if (/^[!-~]([ -~]*[!-~])?$/.test(ssid)) return [`ssid=${ssid}`];
  return [`# ${JSON.stringify(ssid)}`, `ssid2=${Buffer.from(ssid).toString("hex")}`, "utf8_ssid=1"];
}

/** 802.11n, at 5 GHz 802.11ac too. 40 MHz only at 5 GHz: at 2.4 GHz it is half the neighbourhood's band. */
function speedLines({ band, channel }: Radio, card: Band | null): string[] {
  // Both want WMM.
  const lines = ["wmm_enabled=1"];
  if (card?.ht === undefined || card.ht === null) return card === null ? [...lines, "ieee80211n=1"] : lines;
  lines.push("ieee80211n=1");
  const ht: string[] = [];
  if (card.ht & HT_SHORT_GI_20) ht.push("[SHORT-GI-20]");
  const block = band === "5" ? WIDE.find(([, channels]) => channels.includes(channel)) : undefined;
  const wide = block !== undefined && block[1].every((one) => usable(card.channels, one));
  if (wide && card.ht & HT_40_MHZ) {
    ht.push(block[1].indexOf(channel) % 2 === 0 ? "[HT40+]" : "[HT40-]");
    if (card.ht & HT_SHORT_GI_40) ht.push("[SHORT-GI-40]");
  }
  if (ht.length > 0) lines.push(`ht_capab=${ht.join("")}`);
  if (band !== "5" || card.vht === null) return lines;
  lines.push("ieee80211ac=1");
  if (card.vht & VHT_SHORT_GI_80) lines.push("vht_capab=[SHORT-GI-80]");
  if (wide && card.ht & HT_40_MHZ) lines.push("vht_oper_chwidth=1", `vht_oper_centr_freq_seg0_idx=${block[0]}`);
  else lines.push("vht_oper_chwidth=0");
  return lines;
}

function usable(channels: readonly Channel[], number: number): boolean {
  return channels.some((one) => one.number === number && !one.disabled);
}

/** WPA2 with CCMP, WPA3 with SAE and protected management frames (IEEE 802.11-2020, 12.4 and 12.6; WPA3 Specification 3.1, section 2). */
function securityLines({ security, password }: Radio): string[] {
  const key = /^[0-9A-Fa-f]{64}$/.test(password) ? `wpa_psk=${password}` : `wpa_passphrase=${password}`;
  const common = ["auth_algs=1", "wpa=2", "rsn_pairwise=CCMP"];
  switch (security) {
    case "wpa2":
      return [...common, "wpa_key_mgmt=WPA-PSK", key];
    case "transition":
      return [
        ...common,
        "wpa_key_mgmt=WPA-PSK SAE",
        "# Frames of management are protected where the station can, and always with WPA3.",
        "ieee80211w=1",
        "sae_require_mfp=1",
        "sae_pwe=2",
        key,
      ];
    case "wpa3":
      return [...common, "wpa_key_mgmt=SAE", "ieee80211w=2", "sae_pwe=2", key];
  }
}
