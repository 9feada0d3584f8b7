import type { Packet } from "../../packet/packet.js";
import { completeChecksum } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import { ICMP, UDP } from "../../wire/protocol.js";
import * as udp from "../../wire/udp.js";
import { lengthen, missing } from "./lengthen.js";

/** Brings a decoy to `target` bytes of frame: its payload is nobody's, so it simply grows. Also that of a SYN, which no host reads before it dies. */
export function growDecoy(packet: Packet, view: DataView, target: number): void {
  const bytes = missing(packet, target);
  if (bytes <= 0) return;
  const from = packet.end;
  lengthen(packet, view, bytes);
  for (let i = from; i < packet.end; i++) view.setUint8(i, 0);
  const { version, network, protocol, transport, end } = packet;
  if (protocol === UDP) udp.setLength(view, transport, end - transport);
  if (protocol === ICMP) icmp.updateChecksum(view, transport, end);
  else completeChecksum(view, version, network, protocol, transport, end);
}
