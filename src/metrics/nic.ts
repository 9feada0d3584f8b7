import { SIDES, type NicCounter } from "../datapath/counters.js";
import { Reading, type MetricNote } from "./reading.js";
import type { MetricsSource } from "./source.js";

const LABELS = { side: SIDES };

const NOTES: readonly (readonly [NicCounter, Omit<MetricNote, "labels">])[] = [
  [
    "received",
    { name: "hushbox_nic_received_packets_total", type: "counter", help: "Frames that a card handed over." },
  ],
  ["sent", { name: "hushbox_nic_sent_packets_total", type: "counter", help: "Frames that a card took for sending." }],
  [
    "dropped",
    {
      name: "hushbox_nic_dropped_packets_total",
      type: "counter",
      help: "Frames lost before the box saw them: its receive ring was full.",
    },
  ],
  [
    "noSlot",
    {
      name: "hushbox_nic_no_slot_packets_total",
      type: "counter",
      help: "Frames dropped because every packet slot was in use.",
    },
  ],
  [
    "refused",
    {
      name: "hushbox_nic_refused_packets_total",
      type: "counter",
      help: "Frames that a card refused to send: too long, or the interface was down.",
    },
  ],
  [
    "oversize",
    {
      name: "hushbox_nic_oversize_packets_total",
      type: "counter",
      help: "Frames above the MTU: offloads are on somewhere.",
    },
  ],
  [
    "partialChecksum",
    {
      name: "hushbox_nic_partial_checksum_packets_total",
      type: "counter",
      help: "Frames whose transport checksum was left to hardware: offloads are on somewhere.",
    },
  ],
  ["downs", { name: "hushbox_nic_downs_total", type: "counter", help: "Times that an interface went down or away." }],
  ["up", { name: "hushbox_nic_up", type: "gauge", help: "1 while the interface is up, else 0." }],
];

/** What the two cards count. */
export function nicMetrics(source: MetricsSource): Reading[] {
  return NOTES.map(
    ([counter, note]) =>
      new Reading({ ...note, labels: LABELS }, () => {
        const counters = source.counters();
        return counters === null
          ? []
          : SIDES.map((side) => ({ labels: { side }, value: counters.read(`${side}.${counter}`) }));
      }),
  );
}
