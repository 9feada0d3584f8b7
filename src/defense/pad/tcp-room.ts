import type { TcpFlows } from "../../flow/tcp-flows.js";
import { ipBytes } from "../../packet/ip-bytes.js";
import type { Packet } from "../../packet/packet.js";
import { lengthOf } from "../../wire/option-list.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import * as tcp from "../../wire/tcp.js";
import { missing } from "./lengthen.js";

/** Headers whose bytes the maximum segment size does not count: without options (RFC 6691, 2). */
const FIXED_4 = ipv4.HEADER + tcp.HEADER;
const FIXED_6 = ipv6.HEADER + tcp.HEADER;

/** NOP, NOP, timestamps: what nearly every segment carries. */
const USUAL_OPTIONS = 0x0101080a;
/** Options that sign the payload (RFC 2385, RFC 5925), or map it to another stream (RFC 8684). */
const SIGNATURE = 19;
const AUTHENTICATION = 29;
const MULTIPATH = 30;

/**
 * Bytes by which a segment may grow: toward `target` bytes of frame, and not above what the remote side takes; where that is not known, not
 * above what the flow has sent before. 0 for segments whose options forbid it.
 */
export function tcpRoom(packet: Packet, view: DataView, target: number, flows: TcpFlows): number {
  const wanted = missing(packet, target);
  if (wanted <= 0 || bound(view, packet.transport)) return 0;
  const { version, flow } = packet;
  const mss = flows.mss(flow);
  const largest = mss < 0 ? flows.largest(flow) : mss + (version === 4 ? FIXED_4 : FIXED_6);
  return Math.max(Math.min(wanted, largest - ipBytes(packet, view)), 0);
}

/** True where an option is bound to the segment's very payload. */
function bound(view: DataView, at: number): boolean {
  const end = at + tcp.headerLength(view, at);
  const from = at + tcp.HEADER;
  if (end === from || (end - from === 12 && view.getUint32(from) === USUAL_OPTIONS)) return false;
  for (let option = from; option < end;) {
    const length = lengthOf(view, option, end);
    if (length === 0) return false;
    const kind = view.getUint8(option);
    if (kind === SIGNATURE || kind === AUTHENTICATION || kind === MULTIPATH) return true;
    option += length;
  }
  return false;
}
