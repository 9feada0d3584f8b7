// The two captures of a Google Home Mini that are a table of packets: put back into a capture of headers.
import { execFileSync } from "node:child_process";
import { PcapWriter } from "../../src/nic/pcap-writer.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import { TCP, UDP } from "../../src/wire/protocol.js";
import { frame } from "./frame.js";

const SPEAKER = "02:00:00:00:00:01";
const ROUTER = "02:00:00:00:00:02";
const HEADERS = 54;

/** Writes the packets of file number `file` of the table at `table` (xz) as a capture; answers the speaker's address. */
export function writeMediaPackets(table: string, file: string, output: string): string {
  const text = execFileSync("xz", ["-dc", table], { maxBuffer: 64e6 }).toString("utf8");
  const [head = "", ...lines] = text.trim().split("\n");
  const columns = head.split(",");
  const writer = new PcapWriter(output);
  for (const line of lines) {
    const cells = line.split(",");
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? "";
    if (cell("fno") !== file || (cell("dir") !== "1" && cell("dir") !== "-1")) continue;
    const up = cell("dir") === "1";
    const length = Math.max(HEADERS, Number(cell("frame_len")));
    const bytes = frame({
      source: up ? SPEAKER : ROUTER,
      destination: up ? ROUTER : SPEAKER,
      from: up ? "192.168.77.10" : cell("ip_src"),
      to: up ? cell("ip_dst") : "192.168.77.10",
      protocol: cell("proto") === "17" || cell("proto").toLowerCase() === "udp" ? UDP : TCP,
      sourcePort: Number(cell("sport")),
      destinationPort: Number(cell("dport")),
    });
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    ipv4.setTotalLength(view, 14, length - 14);
    ipv4.updateChecksum(view, 14);
    writer.write(Number(cell("t_epoch")) * 1e6, bytes, 0, Math.min(bytes.length, HEADERS), 0, length);
  }
  writer.close();
  return SPEAKER;
}
