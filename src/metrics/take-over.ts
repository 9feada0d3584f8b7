import { Reading, single } from "./reading.js";
import type { MetricsSource } from "./source.js";

/** Who carries the devices' frames where a bridge of the kernel joins the cards. */
export function takeOverMetrics(source: MetricsSource): Reading[] {
  const counted = (name: string) => () => {
    const counters = source.counters();
    return counters === null ? [] : single(counters.read(name));
  };
  return [
    new Reading(
      {
        name: "hushbox_datapath_take_over_armed",
        type: "gauge",
        help: "1 while a bridge of the kernel leaves the devices' frames to hushbox, else 0; without a bridge always 0.",
      },
      counted("take_over_armed"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_take_over_isolated",
        type: "gauge",
        help: "1 while that bridge leaves frames between devices and other stations of the access point to hushbox too (isolate), else 0.",
      },
      counted("take_over_isolated"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_take_over_since_seconds",
        type: "gauge",
        help: "When the bridge last left the devices' frames to hushbox, in seconds since 1970; 0 where it never has.",
      },
      () => {
        const counters = source.counters();
        if (counters === null) return [];
        const since = counters.read("take_over_since_us");
        const ago = Number(process.hrtime.bigint()) / 1e6 - since / 1e3;
        return single(since === 0 ? 0 : Math.round(Date.now() - ago) / 1e3);
      },
    ),
    new Reading(
      {
        name: "hushbox_datapath_take_over_lapses_total",
        type: "counter",
        help: "Times that hushbox stood still and the kernel went on without it.",
      },
      counted("take_over_lapses"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_take_over_stale_packets_total",
        type: "counter",
        help: "Frames that hushbox gave back unread when it took over, since the kernel had forwarded them.",
      },
      counted("take_over_stale_frames"),
    ),
    new Reading(
      {
        name: "hushbox_datapath_take_over_guarded",
        type: "gauge",
        help: "1 while the guard of onFailure: closed is in force, else 0.",
      },
      () => single(source.guarded() ? 1 : 0),
    ),
  ];
}
