import type { Counters } from "../datapath/counters.js";
import { MECHANISM_NAMES, WATCHED_NAMES } from "../defense/options.js";
import { DECOY_KINDS, DEFENSE_NAMES } from "../defense/schema.js";
import { CLEANED } from "../defense/tally.js";
import { Reading, single, type Sample } from "./reading.js";
import type { MetricsSource } from "./source.js";

/** Why a decoy was refused. */
export const REFUSALS = ["rate", "bytes", "share", "month", "destination", "room"] as const;

const DEVICE = "the names of the configured devices";

/** What defenses do and may. */
export function defenseMetrics(source: MetricsSource): Reading[] {
  /** One counter of the datapath for each value of a label. */
  const counted = (name: string, help: string, label: string, values: readonly string[], prefix: string): Reading =>
    new Reading({ name, type: "counter", help, labels: { [label]: values } }, (): Sample[] => {
      const counters: Counters | null = source.counters();
      return counters === null
        ? []
        : values.map((value) => ({ labels: { [label]: value }, value: counters.read(`${prefix}${value}`) }));
    });
  return [
    new Reading(
      {
        name: "hushbox_defense_enabled",
        type: "gauge",
        help: "1 where a defense is switched on for a device, else 0.",
        labels: { device: DEVICE, defense: DEFENSE_NAMES },
      },
      () =>
        source.options().devices.flatMap((device) =>
          DEFENSE_NAMES.map((defense) => ({
            labels: { device: device.name, defense },
            value: device.defenses[defense].enabled ? 1 : 0,
          })),
        ),
    ),
    counted("hushbox_defense_decoys_total", "Decoys sent, by what they look like.", "kind", DECOY_KINDS, "decoys_"),
    counted(
      "hushbox_defense_decoys_refused_total",
      "Decoys that a defense asked for and did not get, by reason: the budget's packets a second, bytes a second, share or month, no destination to imitate, or no room in the queue.",
      "reason",
      REFUSALS,
      "decoys_refused_",
    ),
    counted(
      "hushbox_defense_padded_packets_total",
      "Packets that a mechanism of pad has grown, so that routers see the target size.",
      "mechanism",
      MECHANISM_NAMES,
      "padded_packets_",
    ),
    counted(
      "hushbox_defense_padded_bytes_total",
      "Bytes by which a mechanism of pad has grown packets.",
      "mechanism",
      MECHANISM_NAMES,
      "padded_bytes_",
    ),
    counted(
      "hushbox_defense_given_up_total",
      "Times that a mechanism of pad was switched off for a destination that does not take it.",
      "mechanism",
      WATCHED_NAMES,
      "given_up_",
    ),
    new Reading(
      {
        name: "hushbox_defense_mechanisms_off",
        type: "gauge",
        help: "Mechanisms of pad that are off now for a destination that does not take them, summed over destinations.",
      },
      () => {
        const counters = source.counters();
        return counters === null ? [] : single(counters.read("mechanisms_off"));
      },
    ),
    counted(
      "hushbox_defense_cleaned_total",
      "What was taken back or changed so that neither side notices the defenses, by what it was.",
      "what",
      CLEANED,
      "",
    ),
    new Reading(
      {
        name: "hushbox_defense_budget_left_bytes",
        type: "gauge",
        help: "Bytes of decoys that a device may still cause this calendar month.",
        labels: { device: DEVICE },
      },
      async () =>
        (await source.devices()).map((device) => ({ labels: { device: device.name }, value: device.budgetLeftBytes })),
    ),
    new Reading(
      {
        name: "hushbox_defense_budget_used_bytes",
        type: "gauge",
        help: "Bytes of decoys that a device has caused this calendar month.",
        labels: { device: DEVICE },
      },
      async () =>
        (await source.devices()).map((device) => ({
          labels: { device: device.name },
          value: device.decoyBytesThisMonth,
        })),
    ),
  ];
}
