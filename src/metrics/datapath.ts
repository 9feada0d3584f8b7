import { DELAY_BOUNDS, DIRECTIONS, DROPS, LATENESS_BOUNDS, type Counters } from "../datapath/counters.js";
import { overhead } from "./overhead.js";
import { histogram, Reading, single, type Sample } from "./reading.js";
import type { MetricsSource } from "./source.js";

const DIRECTION = { direction: DIRECTIONS };

/** Packets, bytes, delays, drops. */
export function datapathMetrics(source: MetricsSource): Reading[] {
  const read = (samples: (counters: Counters) => readonly Sample[]) => (): readonly Sample[] => {
    const counters = source.counters();
    return counters === null ? [] : samples(counters);
  };
  const perDirection = (counter: string) =>
    read((counters) =>
      DIRECTIONS.map((direction) => ({ labels: { direction }, value: counters.read(`${direction}.${counter}`) })),
    );
  const byKind = (kinds: Readonly<Record<string, string>>) =>
    read((counters) =>
      DIRECTIONS.flatMap((direction) =>
        Object.entries(kinds).map(([kind, counter]) => ({
          labels: { direction, kind },
          value: counters.read(`${direction}.${counter}`),
        })),
      ),
    );
  return [
    new Reading(
      {
        name: "hushbox_datapath_packets_in_total",
        type: "counter",
        help: "Real packets that came in.",
        labels: DIRECTION,
      },
      perDirection("packets_in"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_bytes_in_total",
        type: "counter",
        help: "Frame bytes of the packets that came in.",
        labels: DIRECTION,
      },
      perDirection("bytes_in"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_packets_total",
        type: "counter",
        help: "Packets that left, by kind: real ones, and decoys with nothing in them.",
        labels: { ...DIRECTION, kind: ["real", "decoy"] },
      },
      byKind({ real: "packets_out", decoy: "decoy_packets" }),
    ),
    new Reading(
      {
        name: "hushbox_datapath_bytes_total",
        type: "counter",
        help: "Frame bytes that left, by kind: of real packets, of the padding behind packets, and of decoys before padding.",
        labels: { ...DIRECTION, kind: ["real", "padding", "decoy"] },
      },
      byKind({ real: "bytes_out", padding: "padding_bytes", decoy: "decoy_bytes" }),
    ),
    new Reading(
      {
        name: "hushbox_datapath_overhead_bytes_ratio",
        type: "gauge",
        help: "Bytes of padding and decoys as a share of the real bytes that left, since the start.",
        labels: DIRECTION,
      },
      read((counters) =>
        DIRECTIONS.map((direction) => ({ labels: { direction }, value: overhead(counters, direction).bytes })),
      ),
    ),
    new Reading(
      {
        name: "hushbox_datapath_overhead_packets_ratio",
        type: "gauge",
        help: "Decoys as a share of the real packets that left, since the start.",
        labels: DIRECTION,
      },
      read((counters) =>
        DIRECTIONS.map((direction) => ({ labels: { direction }, value: overhead(counters, direction).packets })),
      ),
    ),
    new Reading(
      {
        name: "hushbox_datapath_added_delay_seconds",
        type: "histogram",
        help: "Time that real packets spent in the box, from the card's receive stamp to the send.",
        labels: DIRECTION,
      },
      read((counters) => spread(counters, "delay", DELAY_BOUNDS)),
    ),
    new Reading(
      {
        name: "hushbox_datapath_lateness_seconds",
        type: "histogram",
        help: "How much later than drawn a delayed packet left: delay that nobody drew.",
        labels: DIRECTION,
      },
      read((counters) => spread(counters, "lateness", LATENESS_BOUNDS)),
    ),
    new Reading(
      {
        name: "hushbox_datapath_drops_total",
        type: "counter",
        help: "Real packets that came in and did not leave, by reason.",
        labels: { ...DIRECTION, reason: DROPS },
      },
      read((counters) =>
        DIRECTIONS.flatMap((direction) =>
          DROPS.map((reason) => ({
            labels: { direction, reason },
            value: counters.read(`${direction}.drop_${reason}`),
          })),
        ),
      ),
    ),
    new Reading(
      {
        name: "hushbox_datapath_delayed_packets_total",
        type: "counter",
        help: "Packets that a defense delayed.",
        labels: DIRECTION,
      },
      perDirection("delayed_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_local_packets_total",
        type: "counter",
        help: "Packets between a device and the local network.",
        labels: DIRECTION,
      },
      perDirection("local_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_between_packets_total",
        type: "counter",
        help: "Packets between a device and other stations of the access point (isolate); up: also those that leave both ways, to groups and to stations that nobody has seen yet.",
        labels: DIRECTION,
      },
      perDirection("between_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_unknown_packets_total",
        type: "counter",
        help: "Packets that hold no well-formed IP or ARP; they pass.",
        labels: DIRECTION,
      },
      perDirection("unknown_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_swallowed_packets_total",
        type: "counter",
        help: "Replies to decoys that were kept from the devices.",
        labels: DIRECTION,
      },
      perDirection("swallowed_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_held_packets",
        type: "gauge",
        help: "Packets that wait for their departure now.",
        labels: DIRECTION,
      },
      perDirection("held_packets"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_checksums_completed_total",
        type: "counter",
        help: "Transport checksums that a card had left undone and the box finished.",
      },
      read((counters) => single(counters.read("checksums_completed"))),
    ),
    new Reading(
      { name: "hushbox_datapath_turns_total", type: "counter", help: "Turns of the datapath's loop." },
      read((counters) => single(counters.read("turns"))),
    ),
    new Reading(
      {
        name: "hushbox_datapath_turning",
        type: "gauge",
        help: "1 while the datapath's loop turns, 0 where it stands still or has not begun.",
      },
      () => single(source.turning() ? 1 : 0),
    ),
    new Reading(
      { name: "hushbox_flow_flows", type: "gauge", help: "Flows in the table now." },
      read((counters) => single(counters.read("flows"))),
    ),
    new Reading(
      {
        name: "hushbox_flow_evicted_total",
        type: "counter",
        help: "Flows that were forgotten to make room for new ones.",
      },
      read((counters) => single(counters.read("flows_evicted"))),
    ),
  ];
}

function spread(counters: Counters, which: "delay" | "lateness", bounds: readonly number[]): Sample[] {
  return DIRECTIONS.flatMap((direction) => {
    const { buckets, sum } = counters.histogram(direction, which);
    return histogram({ direction }, bounds, buckets, sum);
  });
}
