import type { Packet } from "../../packet/packet.js";
import * as icmp from "../../wire/icmp.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { FRAGMENT } from "../../wire/protocol.js";

/** What every error quotes of the transport header at least (RFC 792): ports and a sequence number, or all of an echo's header. */
const LEAST = 8;

/** Where the parts of a packet lie that an ICMP error quotes. Made once, read into for each error. */
export class Quote {
  version: 4 | 6 = 4;
  /** Positions of the quoted addresses. */
  source = 0;
  destination = 0;
  protocol = -1;
  /** Position of the quoted transport header, of which 8 bytes are there. */
  transport = 0;
  /** Bytes of the quoted IP packet before it was cut, by its own length field. */
  length = 0;

  /**
   * Reads the packet that an error on its way down quotes. False where it quotes nothing that we understand, a fragment, or something that
   * the error's receiver has not sent.
   */
  read(packet: Packet, view: DataView): boolean {
    const at = icmp.quoted(packet.transport);
    return packet.version === 4 ? this.#read4(packet, view, at) : this.#read6(packet, view, at);
  }

  #read4(packet: Packet, view: DataView, at: number): boolean {
    if (!ipv4.fits(view, at, packet.end) || ipv4.fragmentOffset(view, at) !== 0) return false;
    this.version = 4;
    this.source = at + ipv4.SOURCE;
    this.destination = at + ipv4.DESTINATION;
    this.protocol = ipv4.protocol(view, at);
    this.transport = at + ipv4.headerLength(view, at);
    this.length = ipv4.totalLength(view, at);
    return this.transport + LEAST <= packet.end && ipv4.source(view, at) === ipv4.destination(view, packet.network);
  }

  #read6(packet: Packet, view: DataView, at: number): boolean {
    if (!ipv6.fits(view, at, packet.end)) return false;
    this.version = 6;
    this.source = at + ipv6.SOURCE;
    this.destination = at + ipv6.DESTINATION;
    this.length = ipv6.HEADER + ipv6.payloadLength(view, at);
    let header = ipv6.nextHeader(view, at);
    let position = at + ipv6.HEADER;
    while (ipv6.isExtension(header)) {
      if (position + LEAST > packet.end) return false;
      if (header === FRAGMENT && ipv6.fragmentOffset(view, position) !== 0) return false;
      const length = ipv6.extensionLength(view, position, header);
      header = view.getUint8(position);
      position += length;
    }
    this.protocol = header;
    this.transport = position;
    return (
      position + LEAST <= packet.end && ipv6.equalAddress(view, this.source, view, packet.network + ipv6.DESTINATION)
    );
  }
}
