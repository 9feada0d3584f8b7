/*
 * What `iw phy`, `iw dev` and `iw reg get` print. iw has no other form than text, and its help asks not to parse it: so each line that
 * is wanted is recognised by itself, whatever stands around it, and what is not recognised counts as absent. Forms of iw 5.19 (Debian 12)
 * and 6.9 (Debian 13), which writes frequencies as `2412.0 MHz`.
 */

export interface Channel {
  readonly number: number;
  readonly mhz: number;
  /** Not in this country, or not on this card. */
  readonly disabled: boolean;
  /** Only where somebody else sends already: not for an access point. */
  readonly listenOnly: boolean;
  /** Shared with radar (DFS): an access point has to listen for a minute first, and leave when one is heard. */
  readonly radar: boolean;
}

export interface Band {
  /** HT Capability Information (IEEE 802.11-2020, 9.4.2.55.2), or null without 802.11n. */
  readonly ht: number | null;
  /** VHT Capabilities Information (9.4.2.157.2), or null without 802.11ac. */
  readonly vht: number | null;
  readonly channels: readonly Channel[];
}

export interface Phy {
  readonly name: string;
  readonly accessPoint: boolean;
  /** Whether hostapd sees authentication frames. Where a card's firmware keeps them (brcmfmac), hostapd cannot do SAE. */
  readonly authenticates: boolean;
  /** Whether it protects management frames (BIP-CMAC-128), as WPA3 demands. */
  readonly protectsManagement: boolean;
  readonly bands: readonly Band[];
}

type Open<T> = { -readonly [K in keyof T]: T[K] };

const CHANNEL = /^\s*\* (\d+)(?:\.\d+)? MHz \[(\d+)\](.*)$/;

/** The radios that `iw phy` lists. */
export function parsePhys(text: string): Phy[] {
  return text
    .split(/^(?=Wiphy )/m)
    .filter((part) => part.startsWith("Wiphy "))
    .map(phy);
}

function phy(text: string): Phy {
  const bands: (Open<Band> & { channels: Channel[] })[] = [];
  let accessPoint = false;
  let authenticates = false;
  let section = "";
  for (const line of text.split("\n")) {
    // Sections begin one tab in; the lines of one stand further in.
    if (/^\t\S/.test(line)) section = line.trim();
    if (/^\tBand \d+:/.test(line)) bands.push({ ht: null, vht: null, channels: [] });
    const band = bands.at(-1);
    if (section.startsWith("Supported interface modes") && /^\s*\* AP$/.test(line)) accessPoint = true;
    if (section.startsWith("Supported commands") && /^\s*\* authenticate$/.test(line)) authenticates = true;
    if (band === undefined || !section.startsWith("Band ")) continue;
    const ht = /^\s+Capabilities: 0x([0-9a-f]+)/.exec(line)?.[1];
    const vht = /^\s+VHT Capabilities \(0x([0-9a-f]+)\)/.exec(line)?.[1];
    const channel = CHANNEL.exec(line);
    if (ht !== undefined) band.ht ??= Number.parseInt(ht, 16);
    if (vht !== undefined) band.vht ??= Number.parseInt(vht, 16);
    if (channel !== null) band.channels.push(channelOf(channel));
  }
  return {
    name: /^Wiphy (\S+)/.exec(text)?.[1] ?? "",
    accessPoint,
    authenticates,
    protectsManagement: /\(00-0f-ac:6\)/i.test(text),
    bands,
  };
}

function channelOf([, mhz, number, flags = ""]: RegExpExecArray): Channel {
  return {
    number: Number(number),
    mhz: Number(mhz),
    disabled: flags.includes("disabled"),
    listenOnly: /no.?IR|passive scan/i.test(flags),
    radar: flags.includes("radar"),
  };
}

export interface Interface {
  readonly name: string;
  readonly phy: string;
  readonly mac: string;
  /** `managed` (a station), `AP`, … */
  readonly type: string;
  /** The network that it is in or that it is, or null. */
  readonly ssid: string | null;
}

/** The interfaces that `iw dev` lists. */
export function parseInterfaces(text: string): Interface[] {
  const found: Interface[] = [];
  let phyName = "";
  for (const part of text.split(/^(?=phy#|\tInterface |\tUnnamed)/m)) {
    phyName = /^phy#(\d+)/.exec(part)?.[1] ?? phyName;
    const name = /^\tInterface (\S+)/.exec(part)?.[1];
    if (name === undefined) continue;
    found.push({
      name,
      phy: `phy${phyName}`,
      mac: /^\s+addr (\S+)/m.exec(part)?.[1] ?? "",
      type: /^\s+type (\S+)/m.exec(part)?.[1] ?? "",
      ssid: /^\s+ssid (.*)$/m.exec(part)?.[1] ?? null,
    });
  }
  return found;
}

/** The country that radio rules of this machine are for: two letters, `00` for the world; null where it is not told. */
export function parseCountry(text: string): string | null {
  return /^country ([A-Z0-9]{2}):/m.exec(text)?.[1] ?? null;
}

export interface Station {
  readonly mac: string;
  /** dBm. */
  readonly signal: number | null;
}

/** The stations that `iw dev CARD station dump` lists. */
export function parseStations(text: string): Station[] {
  return text.split(/^(?=Station )/m).flatMap((part) => {
    const mac = /^Station (\S+) /.exec(part)?.[1];
    if (mac === undefined) return [];
    const signal = /^\s+signal:\s+(-?\d+)/m.exec(part)?.[1];
    return [{ mac, signal: signal === undefined ? null : Number(signal) }];
  });
}
