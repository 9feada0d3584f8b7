import { payloadLength } from "../flow/tcp-flows.js";
import type { Packet } from "../packet/packet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../wire/protocol.js";
import { add } from "../wire/sequence.js";
import * as tcp from "../wire/tcp.js";
import * as udp from "../wire/udp.js";

/** Bytes of a datagram's end: as long as the tag that a QUIC packet ends with (RFC 9001, 5.3), which is another for each. */
const TAIL = 16;

/**
 * 52 bits of what a packet keeps on its way through the box, whatever is done to its size and its window: among a hundred thousand packets a
 * mistake is a one-in-a-million chance. Of TCP the flow, where the segment ends and what it acknowledges, since padding repeats what was
 * before it; of UDP the flow and how the datagram ends, since padding goes in front; of an echo its identifier and number. Of the rest all.
 */
export function twinKey(packet: Packet, view: DataView): number {
  const { network, protocol, transport, end, fragment } = packet;
  const digest = new Digest();
  if (!fragment && protocol === TCP) {
    addresses(digest, packet, view);
    digest.bytes(view, transport, transport + 4);
    const flags = tcp.flags(view, transport);
    digest.word(flags);
    const sequence = tcp.sequence(view, transport);
    // A RST keeps its number and grows behind it.
    digest.word((flags & tcp.RST) !== 0 ? sequence : add(sequence, payloadLength(packet, view)));
    digest.word(tcp.acknowledgment(view, transport));
  } else if (!fragment && protocol === UDP) {
    addresses(digest, packet, view);
    digest.bytes(view, transport, transport + 4);
    // Of a datagram that a capture cut, only the flow: its packets are twins in their order.
    const to = transport + udp.length(view, transport);
    if (to <= end) digest.bytes(view, Math.max(transport + udp.HEADER, to - TAIL), to);
  } else if (!fragment && isEcho(packet, view)) {
    addresses(digest, packet, view);
    digest.bytes(view, transport, transport + 2);
    digest.bytes(view, transport + 4, transport + 8);
  } else {
    digest.word(end - network);
    digest.bytes(view, network, end);
  }
  return digest.value;
}

function isEcho({ protocol, transport }: Packet, view: DataView): boolean {
  if (protocol === ICMP) return icmp.type(view, transport) === icmp.ECHO_REQUEST;
  return protocol === ICMPV6 && icmpv6.type(view, transport) === icmpv6.ECHO_REQUEST;
}

function addresses(digest: Digest, { version, network, protocol }: Packet, view: DataView): void {
  digest.word(protocol);
  const from = network + (version === 4 ? ipv4.SOURCE : ipv6.SOURCE);
  digest.bytes(view, from, from + (version === 4 ? 8 : 32));
}

class Digest {
  #a = 0x811c9dc5;
  #b = 0;

  byte(byte: number): void {
    this.#a = Math.imul(this.#a ^ byte, 0x01000193);
    this.#b = Math.imul(this.#b, 31) + byte;
  }

  bytes(view: DataView, from: number, to: number): void {
    for (let i = from; i < to; i++) this.byte(view.getUint8(i));
  }

  word(word: number): void {
    for (let shift = 0; shift < 32; shift += 8) this.byte((word >>> shift) & 0xff);
  }

  get value(): number {
    return (this.#a >>> 0) * 0x10_0000 + ((this.#b ^ (this.#b >>> 16)) & 0xf_ffff);
  }
}
