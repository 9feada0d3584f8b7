import type { Packet } from "../../src/packet/packet.js";
import { replaceWord } from "../../src/wire/checksum.js";
import { TCP, UDP } from "../../src/wire/protocol.js";
import { before } from "../../src/wire/sequence.js";
import * as tcp from "../../src/wire/tcp.js";
import * as udp from "../../src/wire/udp.js";

/** Looks at a packet on its way up, and may change it. False: it does not pass. */
export type Manner = (packet: Packet, view: DataView) => boolean;

/** Ways to treat packets that padding must find out about. Each makes its own memory. */
export const MANNERS = {
  none: () => () => true,
  /** A server that ignores what segments acknowledge in which nothing is new (RFC 9293, 3.10.7.4: they are not acceptable). */
  "ignores-duplicates": () => ignoringDuplicates(),
  /** A middlebox that takes a UDP length other than the IP packet's for an attack. */
  "polices-udp": () => (packet: Packet, view: DataView) =>
    packet.protocol !== UDP || packet.fragment || udp.length(view, packet.transport) === packet.end - packet.transport,
  /** A middlebox that lets no TCP segment pass that begins below what it has seen. */
  "polices-tcp": () => policingSequence(),
} as const satisfies Record<string, () => Manner>;
export type MannerName = keyof typeof MANNERS;

/** Where these stand: in the header, and in the timestamps option. */
const [ACKNOWLEDGMENT, CHECKSUM, STAMP] = [8, 16, 2];

interface Seen {
  /** Behind the last byte that was new. */
  end: number;
  /** What the last acceptable segment acknowledged, and its timestamp. */
  acknowledgment: number;
  stamp: number;
}

/**
 * The server itself is Linux, which reads the ACK field of every segment: so a segment without news gets the last ACK that counted, and the
 * timestamp that came with it (RFC 7323, 5.3: TS.Recent is not updated by what is not acceptable).
 */
function ignoringDuplicates(): Manner {
  const flows = new Map<string, Seen>();
  return (packet, view) => {
    if (!isSegment(packet, view)) return true;
    const { transport } = packet;
    const seen = flows.get(flowOf(packet));
    const end = endOf(packet, view);
    const [acknowledgment, stamps] = [tcp.acknowledgment(view, transport), tcp.timestamps(view, transport)];
    const stamp = stamps === -1 ? 0 : tcp.timestampValue(view, stamps);
    if (seen === undefined || (tcp.flags(view, transport) & (tcp.SYN | tcp.RST)) !== 0) {
      flows.set(flowOf(packet), { end, acknowledgment, stamp });
      return true;
    }
    const empty = end === tcp.sequence(view, transport);
    if (before(seen.end, end) || (empty && end === seen.end)) {
      flows.set(flowOf(packet), { end, acknowledgment, stamp });
      return true;
    }
    replaceLong(view, transport, transport + ACKNOWLEDGMENT, seen.acknowledgment);
    if (stamps !== -1) replaceLong(view, transport, stamps + STAMP, seen.stamp);
    return true;
  };
}

function policingSequence(): Manner {
  const flows = new Map<string, number>();
  return (packet, view) => {
    if (!isSegment(packet, view)) return true;
    const { transport } = packet;
    const flow = flowOf(packet);
    const end = endOf(packet, view);
    const seen = flows.get(flow);
    const begins = (tcp.flags(view, transport) & (tcp.SYN | tcp.RST)) !== 0;
    // What was sent before may come again from its beginning: that is how segments are retransmitted.
    const again = seen !== undefined && !before(seen, end);
    if (seen !== undefined && !begins && !again && before(tcp.sequence(view, transport), seen)) return false;
    if (seen === undefined || begins || before(seen, end)) flows.set(flow, end);
    return true;
  };
}

function isSegment(packet: Packet, view: DataView): boolean {
  return packet.protocol === TCP && !packet.fragment && tcp.fits(view, packet.transport, packet.end);
}

/** The sequence number behind a segment; SYN and FIN count one each. */
function endOf({ transport, end }: Packet, view: DataView): number {
  const flags = tcp.flags(view, transport);
  const marks = ((flags & tcp.SYN) !== 0 ? 1 : 0) + ((flags & tcp.FIN) !== 0 ? 1 : 0);
  return (tcp.sequence(view, transport) + end - transport - tcp.headerLength(view, transport) + marks) >>> 0;
}

/** All peers here are one host behind one router, so the ports tell flows apart. */
function flowOf({ version, sourcePort, destinationPort }: Packet): string {
  return `${version} ${sourcePort} ${destinationPort}`;
}

/** Writes 32 bits of a segment; the checksum follows. */
function replaceLong(view: DataView, segment: number, at: number, value: number): void {
  const field = segment + CHECKSUM;
  if ((at - segment) % 2 === 0) {
    replaceWord(view, field, view.getUint16(at), value >>> 16);
    replaceWord(view, field, view.getUint16(at + 2), value & 0xffff);
  } else {
    // Words of the sum lie across it: they are taken with their neighbours.
    const [first, last] = [view.getUint8(at - 1), view.getUint8(at + 4)];
    replaceWord(view, field, view.getUint16(at - 1), (first << 8) | (value >>> 24));
    replaceWord(view, field, view.getUint16(at + 1), (value >>> 8) & 0xffff);
    replaceWord(view, field, view.getUint16(at + 3), ((value & 0xff) << 8) | last);
  }
  view.setUint32(at, value);
}
