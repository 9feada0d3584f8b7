import { HushboxError } from "../../errors/hushbox-error.js";
import { CaptureReader } from "../../nic/capture-reader.js";
import { findMac } from "../../nic/device-match.js";
import { micros, NEVER, type Micros } from "../../time/micros.js";
import * as ethernet from "../../wire/ethernet.js";
import { findDevice } from "./find-device.js";

/** A part of a capture, in µs behind its first packet. */
export interface Stretch {
  readonly from: Micros;
  readonly to: Micros;
}
const WHOLE: Stretch = { from: micros(0), to: NEVER };

/** What a capture holds, or a stretch of it. */
export interface Inspected {
  /** The speaker's MAC address, as text. */
  readonly device: string;
  readonly packets: number;
  /** Bytes of frames as they were on the wire. */
  readonly bytes: number;
  /** From the first packet to the last. */
  readonly seconds: number;
}

/**
 * Reads a capture from start to end. Throws as CaptureReader does where it is none, or cut off; `dataset-invalid` where it is empty,
 * or `device` (null: whoever the traffic shows) never appears in it, or nothing lies in the stretch.
 */
export function inspectCapture(path: string, device: string | null, stretch: Stretch = WHOLE): Inspected {
  const mac = device === null ? findDevice(path) : findMac(path, device);
  const reader = CaptureReader.open(path);
  let [packets, bytes, sent, own, start, first, last] = [0, 0, 0, 0, 0, 0, 0];
  try {
    while (reader.next()) {
      const { view, at, time } = reader;
      if (reader.packets === 1) start = time;
      const whole = ethernet.fits(at, at + reader.length);
      const from = whole ? ethernet.source(view, at) : -1;
      const to = whole ? ethernet.destination(view, at) : -1;
      if (from === mac) sent++;
      if (time < start + stretch.from || time >= start + stretch.to) continue;
      if (packets++ === 0) first = time;
      last = time;
      bytes += reader.originalLength;
      if (from === mac || to === mac) own++;
    }
    if (reader.packets === 0)
      throw new HushboxError("dataset-invalid", `reading ${path}: the capture holds no packets`);
    if (mac === null || sent === 0)
      throw new HushboxError("dataset-invalid", `reading ${path}: ${device ?? ""} never appears in the capture`);
    if (own === 0)
      throw new HushboxError(
        "dataset-invalid",
        `reading ${path}: there is no packet of ${ethernet.formatMac(mac)} in the labelled stretch`,
      );
    return { device: ethernet.formatMac(mac), packets, bytes, seconds: (last - first) / 1e6 };
  } finally {
    reader.close();
  }
}
