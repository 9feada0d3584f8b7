import { lstatSync } from "node:fs";
import type { Host } from "./host.js";
import type { Plan, PlannedFile } from "./plan.js";
import { stateOf } from "./path-state.js";
import { textDiff } from "./text-diff.js";

/** What the plan does to one file. */
export type Change = "new" | "changed" | "as it is";

export function changeOf(host: Host, { path, text }: PlannedFile): Change {
  if (stateOf(host.path(path)).kind === "absent") return "new";
  const link = lstatSync(host.path(path)).isSymbolicLink();
  return !link && host.read(path) === text ? "as it is" : "changed";
}

/** The plan as a person reads it before saying yes. The password is not in it. */
export function showPlan(host: Host, plan: Plan): string {
  const { wish, uplink } = plan;
  const { radio } = wish;
  const head = [
    `Network   "${radio.ssid}", ${securityWords[radio.security]}, ${radio.band} GHz channel ${radio.channel}, country ${radio.country}`,
    `Cards     ${wish.inside} is the access point, ${uplink.name} leads to the router`,
    wish.mode === "bridged"
      ? "Mode      bridged: speakers stay in the home network, and casting works"
      : `Mode      routed: speakers get the network ${String(wish.subnet)} and leave through ${uplink.name} (NAT)`,
  ];
  const files = plan.files.flatMap((file) => [
    `${changeOf(host, file)}: ${file.path}  (${file.why})`,
    ...diff(host, file).map((line) => `    ${line}`),
  ]);
  const units = [
    ...plan.disable.map((unit) => `stop and disable ${unit}`),
    ...plan.enable.map((unit) => `start, also at boot: ${unit}`),
  ];
  return [...head, "", ...files, "", ...units].join("\n");
}

const securityWords = {
  wpa2: "WPA2",
  wpa3: "WPA3",
  transition: "WPA2 and WPA3",
} as const;

function diff(host: Host, file: PlannedFile): string[] {
  const before = host.read(file.path) ?? "";
  const hidden = (text: string): string =>
    file.secret ? text.replace(/^(wpa_passphrase|wpa_psk|sae_password)=.*$/gm, "$1=(the password)") : text;
  return textDiff(hidden(before), hidden(file.text));
}
