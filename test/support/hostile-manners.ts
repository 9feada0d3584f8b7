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

interface Seen {
  /** Behind the last byte that was new. */
  end: number;
  /** What the last acceptable segment acknowledged. */
  acknowledgment: number;
}

/** The server itself is Linux, which reads the ACK field of every segment: so a segment without news gets the last ACK that counted. */
function ignoringDuplicates(): Manner {
  const flows = new Map<string, Seen>();
  return (packet, view) => {
    if (!isSegment(packet, view)) return true;
    const { transport } = packet;
    const seen = flows.get(flowOf(packet));
    const end = endOf(packet, view);
    if (seen === undefined || (tcp.flags(view, transport) & (tcp.SYN | tcp.RST)) !== 0) {
      flows.set(flowOf(packet), { end, acknowledgment: tcp.acknowledgment(view, transport) });
      return true;
    }
    const empty = end === tcp.sequence(view, transport);
    if (before(seen.end, end) || (empty && end === seen.end)) {
      seen.end = end;
      seen.acknowledgment = tcp.acknowledgment(view, transport);
    } else acknowledge(view, transport, seen.acknowledgment);
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

function acknowledge(view: DataView, at: number, value: number): void {
  for (const [offset, word] of [
    [8, value >>> 16],
    [10, value & 0xffff],
  ] as const) {
    replaceWord(view, at + 16, view.getUint16(at + offset), word);
    view.setUint16(at + offset, word);
  }
}
