import { renameSync } from "node:fs";
import { FrameBuilder, HOPS, host } from "../../emulator/frame-builder.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { PcapWriter } from "../../nic/pcap-writer.js";
import * as ethernet from "../../wire/ethernet.js";
import * as ipv4 from "../../wire/ipv4.js";
import { ACK, HEADER } from "../../wire/tcp.js";
import { readTable } from "./csv-table.js";
import { discard, unfinished } from "./unfinished.js";

/** The speaker of every capture that is made of a trace. */
export const TRACE_DEVICE = "02:00:00:00:00:01";
const SPEAKER = host(TRACE_DEVICE, "192.168.0.2", 40_000);
const CLOUD = host("02:00:00:00:00:02", "198.51.100.1", 443);
/** Raw window of both, the measured median of an Echo (calibration 3.6). */
const WINDOW = 8_213;
/** Bytes of IPv4 and TCP header: no packet is shorter. */
const SHORTEST = ipv4.HEADER + HEADER;

/**
 * Writes a trace (a CSV file with the columns time in seconds, size in bytes of IP packet, and direction, 1 from the speaker) as a capture
 * cut behind its headers. A trace knows nothing else: all packets are given to one TCP connection, whose addresses, ports and window are
 * the same in every capture and so tell nothing. Answers the packets written; throws `dataset-invalid` with file and line.
 */
export function writeTrace(trace: string, name: string, path: string): number {
  const temporary = unfinished(path);
  const builder = new FrameBuilder(0);
  const writer = new PcapWriter(temporary);
  // Sequence numbers of both directions.
  const next = { up: 1, down: 1 };
  try {
    for (const { line, cells } of readTable(trace, ["time", "size", "direction"])) {
      const [time, size, direction] = ["time", "size", "direction"].map((column) => Number(cells[column]));
      if (
        time === undefined ||
        size === undefined ||
        !(time >= 0) ||
        !(size >= SHORTEST && size <= 0xffff) ||
        Math.abs(direction ?? 0) !== 1
      )
        throw new HushboxError(
          "dataset-invalid",
          `${name}:${line}: expected a time, a size from ${SHORTEST} to 65535 and a direction of 1 or -1`,
        );
      const up = direction === 1;
      const [own, other] = up ? (["up", "down"] as const) : (["down", "up"] as const);
      const frame = builder.tcp(up ? SPEAKER : CLOUD, up ? CLOUD : SPEAKER, HOPS[own], {
        sequence: next[own],
        acknowledgment: next[other],
        flags: ACK,
        window: WINDOW,
        options: Buffer.alloc(0),
        data: Buffer.alloc(0),
      });
      const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
      ipv4.setTotalLength(view, ethernet.HEADER, size);
      ipv4.updateChecksum(view, ethernet.HEADER);
      next[own] += size - SHORTEST;
      writer.write(Math.round(time * 1e6), frame, 0, frame.length, 0, ethernet.HEADER + size);
    }
    writer.close();
    renameSync(temporary, path);
  } catch (error) {
    writer.close();
    discard(temporary);
    throw error;
  }
  return writer.packets;
}
