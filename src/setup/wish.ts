import { HushboxError } from "../errors/hushbox-error.js";
import type { Subnet } from "./subnet.js";

export const MODES = ["bridged", "routed"] as const;
export type Mode = (typeof MODES)[number];

export const SECURITIES = ["wpa2", "transition", "wpa3"] as const;
/** transition: WPA2 and WPA3 under one name. */
export type Security = (typeof SECURITIES)[number];

export const BANDS = ["2.4", "5"] as const;
/** GHz. */
export type BandName = (typeof BANDS)[number];

export interface WishedDevice {
  readonly name: string;
  readonly mac: string;
}

/** The network that the access point makes. */
export interface Radio {
  readonly ssid: string;
  readonly password: string;
  readonly country: string;
  readonly security: Security;
  readonly band: BandName;
  readonly channel: number;
}

/** What a person wants, all of it; every question is answered. */
export interface Wish {
  readonly mode: Mode;
  /** The card that is the access point. */
  readonly inside: string;
  /** The card toward the router. */
  readonly uplink: string;
  readonly radio: Radio;
  /** Routed: the speaker's network. */
  readonly subnet: Subnet | null;
  readonly preset: string | null;
  readonly onFailure: string | null;
  /** Frames between two stations pass hushbox too. */
  readonly isolate: boolean;
}

/** IEEE 802.11-2020, 9.4.2.2. */
const SSID_BYTES = 32;
const PASSWORD = { least: 8, most: 63 } as const;
const HEX_KEY = /^[0-9A-Fa-f]{64}$/;

function wrong(what: string): HushboxError {
  return new HushboxError("usage", what);
}

/** A network name that a radio can carry. Throws `usage`. */
export function checkSsid(ssid: string): string {
  const bytes = Buffer.byteLength(ssid);
  if (bytes === 0) throw wrong("the network needs a name");
  if (bytes > SSID_BYTES)
    throw wrong(`the network's name has ${bytes} bytes, and ${SSID_BYTES} fit: choose a shorter one`);
  // A line break would begin another line in hostapd's file, and a zero end it.
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(ssid))
    throw wrong("the network's name has characters in it that cannot be seen: choose one without");
  return ssid;
}

/** A password, or the key itself as 64 hexadecimal digits. The message never repeats it. Throws `usage`. */
export function checkPassword(password: string, security: Security): string {
  if (HEX_KEY.test(password)) {
    if (security === "wpa2") return password;
    throw wrong(
      "64 hexadecimal digits are a key of WPA2, and WPA3 takes only a password: choose one of 8 to 63 characters, or wpa2",
    );
  }
  if (!/^[\x20-\x7e]*$/.test(password))
    throw wrong("the password may have letters without accents, digits, spaces and signs of ASCII only");
  if (password.length < PASSWORD.least)
    throw wrong(`the password has ${password.length} characters: WPA wants ${PASSWORD.least} at least`);
  if (password.length > PASSWORD.most)
    throw wrong(`the password has ${password.length} characters: WPA takes ${PASSWORD.most} at most`);
  return password;
}

const DEVICE_NAME = /^(?=.{1,32}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;

/** `kitchen=aa:bb:cc:dd:ee:ff`, or an address alone, which gets a name; null where it is a name to look for. Throws `usage`. */
export function parseDevice(text: string, taken: readonly WishedDevice[]): WishedDevice | null {
  const at = text.indexOf("=");
  const mac = text
    .slice(at + 1)
    .toLowerCase()
    .replaceAll("-", ":");
  if (!MAC.test(mac)) {
    if (at < 0) return null;
    throw wrong(`"${text}" ends in no MAC address such as aa:bb:cc:dd:ee:ff`);
  }
  const name = at < 0 ? deviceName("speaker", taken) : text.slice(0, at);
  if (!DEVICE_NAME.test(name))
    throw wrong(`"${name}" is no name for a device: lower-case letters, digits and single hyphens, at most 32`);
  return { name, mac };
}

/** A name for the configuration made of what a device calls itself; numbered where it is taken. */
export function deviceName(called: string, taken: readonly WishedDevice[]): string {
  const plain = called
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[\u0300-\u036f']/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 28)
    .replace(/^-+|-+$/g, "");
  const base = plain === "" ? "speaker" : plain;
  for (let i = 1; ; i++) {
    const name = i === 1 ? base : `${base}-${i}`;
    if (!taken.some((device) => device.name === name)) return name;
  }
}
