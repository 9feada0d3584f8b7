import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Host } from "./host.js";
import { AP_CONFIG } from "./names.js";

/** A program that has a card in its hands. */
export interface Holder {
  readonly program: "NetworkManager" | "wpa_supplicant" | "hostapd";
  /** NetworkManager's connection, the unit, or the process. */
  readonly what: string;
  /** A unit that setup can stop and start again; null: only a person can. */
  readonly unit: string | null;
}

/** Cards by name, as NetworkManager has them: only those that it manages. */
export async function networkManagerCards(host: Host): Promise<Map<string, { state: string; connection: string }>> {
  const text = (await host.ask("nmcli", "-t", "-f", "DEVICE,STATE,CONNECTION", "device")) ?? "";
  const rows = text.split("\n").map((line) => fields(line));
  return new Map(
    rows.flatMap(([name = "", state = "unmanaged", connection = ""]) =>
      name === "" || state === "unmanaged" ? [] : [[name, { state, connection }] as const],
    ),
  );
}

/** nmcli's terse form: fields between colons, with `\` before a colon that is meant. */
function fields(line: string): string[] {
  const parts = line.match(/(\\.|[^:\\])*(:|$)/g) ?? [];
  return parts.map((part) => part.replace(/:$/, "").replace(/\\(.)/g, "$1"));
}

/** wpa_supplicant and hostapd, where one of them was started for this card and not by setup. */
export async function processOn(host: Host, card: string): Promise<Holder | null> {
  for (const { pid, words } of processes(host)) {
    const program = basename(words[0] ?? "");
    if (program === "wpa_supplicant" && names(words, card)) {
      const unit = `wpa_supplicant@${card}.service`;
      const active = (await host.run("systemctl", "is-active", "--quiet", unit)).code === 0;
      return { program, what: active ? unit : `process ${pid}`, unit: active ? unit : null };
    }
    if (program === "hostapd" && !words.includes(AP_CONFIG) && words.some((file) => isFor(host, file, card)))
      return { program, what: `process ${pid}`, unit: null };
  }
  return null;
}

function processes(host: Host): { pid: string; words: string[] }[] {
  let pids: string[];
  try {
    pids = readdirSync(host.path("/proc")).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return pids.flatMap((pid) => {
    try {
      return [{ pid, words: readFileSync(host.path(`/proc/${pid}/cmdline`), "utf8").split("\0") }];
    } catch {
      // It ended meanwhile.
      return [];
    }
  });
}

function names(words: readonly string[], card: string): boolean {
  return words.some((word, i) => word === `-i${card}` || (word === card && words[i - 1] === "-i"));
}

function isFor(host: Host, file: string, card: string): boolean {
  if (!file.startsWith("/")) return file === card;
  return (host.read(file) ?? "").split("\n").some((line) => line.trim() === `interface=${card}`);
}
