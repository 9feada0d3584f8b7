import * as arp from "../wire/arp.js";
import { completeChecksum } from "../wire/checksum.js";
import * as ethernet from "../wire/ethernet.js";
import * as icmp from "../wire/icmp.js";
import * as icmpv6 from "../wire/icmpv6.js";
import * as ipv4 from "../wire/ipv4.js";
import { writeIpv4Header } from "../wire/ipv4-header.js";
import * as ipv6 from "../wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import * as udp from "../wire/udp.js";
import { addressBytes } from "./dns.js";

/** One end of a packet. */
export interface Host {
  mac: number;
  /** Address bytes, 4 or 16; both ends of a packet are of one family. */
  address: Buffer;
  port: number;
}

/** An end by its text forms. */
export function host(mac: string, address: string, port = 0): Host {
  return { mac: ethernet.parseMac(mac) ?? 0, address: addressBytes(address), port };
}

/** What a TCP segment says. */
export interface Segment {
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  options: Buffer;
  data: Buffer;
}

/** Hops that a packet of the speaker has left on its first link, and one of the world on its last (A). */
export const HOPS = { up: 64, down: 57 } as const;

/** Makes whole frames with right lengths and checksums. */
export class FrameBuilder {
  #identification: number;

  /** `identification`: where the counter of IPv4 identifications starts. */
  constructor(identification: number) {
    this.#identification = identification;
  }

  tcp(from: Host, to: Host, hops: number, { sequence, acknowledgment, flags, window, options, data }: Segment): Buffer {
    const header = tcp.HEADER + options.length;
    const { frame, view, at } = this.#packet(from, to, TCP, hops, header + data.length);
    tcp.setSourcePort(view, at, from.port);
    tcp.setDestinationPort(view, at, to.port);
    tcp.setSequence(view, at, sequence >>> 0);
    tcp.setAcknowledgment(view, at, acknowledgment >>> 0);
    tcp.setHeaderLength(view, at, header);
    tcp.setFlags(view, at, flags);
    tcp.setWindow(view, at, window);
    options.copy(frame, at + tcp.HEADER);
    data.copy(frame, at + header);
    return sealed(frame, view, from, TCP, at);
  }

  udp(from: Host, to: Host, hops: number, data: Buffer): Buffer {
    const { frame, view, at } = this.#packet(from, to, UDP, hops, udp.HEADER + data.length);
    udp.setSourcePort(view, at, from.port);
    udp.setDestinationPort(view, at, to.port);
    udp.setLength(view, at, udp.HEADER + data.length);
    data.copy(frame, at + udp.HEADER);
    return sealed(frame, view, from, UDP, at);
  }

  /** An echo request or reply of 64 bytes of ICMP, as ping sends it. */
  echo(from: Host, to: Host, hops: number, reply: boolean, identifier: number, sequence: number): Buffer {
    const six = from.address.length === 16;
    const { frame, view, at } = this.#packet(from, to, six ? ICMPV6 : ICMP, hops, icmp.HEADER + 56);
    for (let i = 0; i < 56; i++) frame.writeUInt8(i, at + icmp.HEADER + i);
    if (six) {
      icmpv6.setType(view, at, reply ? icmpv6.ECHO_REPLY : icmpv6.ECHO_REQUEST);
      icmpv6.setIdentifier(view, at, identifier);
      icmpv6.setSequence(view, at, sequence);
      return sealed(frame, view, from, ICMPV6, at);
    }
    icmp.setType(view, at, reply ? icmp.ECHO_REPLY : icmp.ECHO_REQUEST);
    icmp.setIdentifier(view, at, identifier);
    icmp.setSequence(view, at, sequence);
    icmp.updateChecksum(view, at, frame.length);
    return frame;
  }

  /** Who has an address, or who has it. */
  arp(from: Host, to: Host, operation: typeof arp.REQUEST | typeof arp.REPLY): Buffer {
    const frame = Buffer.alloc(ethernet.HEADER + arp.LENGTH);
    const view = viewOf(frame);
    ethernet.setDestination(view, 0, operation === arp.REQUEST ? ethernet.BROADCAST : to.mac);
    ethernet.setSource(view, 0, from.mac);
    ethernet.setType(view, 0, ethernet.ARP);
    arp.setUp(view, ethernet.HEADER);
    arp.setOperation(view, ethernet.HEADER, operation);
    arp.setSenderMac(view, ethernet.HEADER, from.mac);
    arp.setSenderAddress(view, ethernet.HEADER, from.address.readUInt32BE());
    arp.setTargetMac(view, ethernet.HEADER, operation === arp.REQUEST ? 0 : to.mac);
    arp.setTargetAddress(view, ethernet.HEADER, to.address.readUInt32BE());
    return frame;
  }

  /** Ethernet and IP header in front of `bytes` of transport; `at` is where that starts. */
  #packet(
    from: Host,
    to: Host,
    protocol: number,
    hops: number,
    bytes: number,
  ): { frame: Buffer; view: DataView; at: number } {
    const six = from.address.length === 16;
    const at = ethernet.HEADER + (six ? ipv6.HEADER : ipv4.HEADER);
    const frame = Buffer.alloc(at + bytes);
    const view = viewOf(frame);
    ethernet.setDestination(view, 0, to.mac);
    ethernet.setSource(view, 0, from.mac);
    ethernet.setType(view, 0, six ? ethernet.IPV6 : ethernet.IPV4);
    const ip = ethernet.HEADER;
    if (six) {
      ipv6.setVersion(view, ip, 0, 0);
      ipv6.setPayloadLength(view, ip, bytes);
      ipv6.setNextHeader(view, ip, protocol);
      ipv6.setHopLimit(view, ip, hops);
      from.address.copy(frame, ip + ipv6.SOURCE);
      to.address.copy(frame, ip + ipv6.DESTINATION);
    } else {
      this.#identification = (this.#identification + 1) & 0xffff;
      const [source, destination] = [from.address.readUInt32BE(), to.address.readUInt32BE()];
      writeIpv4Header(view, ip, frame.length - ip, protocol, hops, source, destination, this.#identification);
    }
    return { frame, view, at };
  }
}

function viewOf(frame: Buffer): DataView {
  return new DataView(frame.buffer, frame.byteOffset, frame.length);
}

function sealed(frame: Buffer, view: DataView, from: Host, protocol: number, at: number): Buffer {
  completeChecksum(view, from.address.length === 16 ? 6 : 4, ethernet.HEADER, protocol, at, frame.length);
  return frame;
}
