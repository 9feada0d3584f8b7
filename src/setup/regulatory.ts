import { readFileSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Host } from "./host.js";

/** Of the Debian package wireless-regdb: a link that update-alternatives sets, or what it leads to. */
const FILES = [
  "/lib/firmware/regulatory.db",
  "/lib/firmware/regulatory.db-debian",
  "/usr/lib/firmware/regulatory.db",
  "/usr/lib/firmware/regulatory.db-debian",
];

/** net/wireless/reg.c: "RGDB", a version, then entries of two letters and an offset, the last all zeros. */
const MAGIC = 0x52474442;
const HEADER_BYTES = 8;
const ENTRY_BYTES = 4;

/** The countries that the kernel knows radio rules of, or null where the database is not there. */
export function knownCountries(host: Host): ReadonlySet<string> | null {
  for (const file of FILES) {
    let bytes: Buffer;
    try {
      bytes = readFileSync(host.path(file));
    } catch {
      continue;
    }
    if (bytes.length >= HEADER_BYTES && bytes.readUInt32BE(0) === MAGIC) return countriesIn(bytes);
  }
  return null;
}

function countriesIn(bytes: Buffer): Set<string> {
  const found = new Set<string>();
  for (let at = HEADER_BYTES; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    if (bytes.readUInt16BE(at + 2) === 0) break;
    found.add(bytes.toString("latin1", at, at + 2));
  }
  return found;
}

/** What people write for a code that is another. */
const MEANT: Readonly<Record<string, string>> = { UK: "GB", EN: "GB", EL: "GR" };

/** The code as hostapd takes it. Throws `usage` where there is no such country. */
export function checkCountry(given: string, known: ReadonlySet<string> | null): string {
  const code = given.toUpperCase();
  if (/^[A-Z]{2}$/.test(code) && (known === null ? !(code in MEANT) : known.has(code))) return code;
  const meant = MEANT[code];
  throw new HushboxError(
    "usage",
    `the country "${given}" is none that radio rules are known of: give its two letters (ISO 3166-1), ${meant === undefined ? "such as DE, GB or US" : `here ${meant}`}`,
  );
}
