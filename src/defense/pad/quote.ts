import type { Packet } from "../../packet/packet.js";
import { fold, sum, transportValid } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { FRAGMENT, ICMP, ICMPV6 } from "../../wire/protocol.js";
import { isWhole } from "./lengthen.js";

/** What every error quotes of the transport header at least (RFC 792): ports and a sequence number, or all of an echo's header. */
const LEAST = 8;

/** Where the parts of a packet lie that an ICMP error quotes. Made once, read into for each error. */
export class Quote {
  version: 4 | 6 = 4;
  /** Position of the quoted IP header, and of its addresses. */
  at = 0;
  source = 0;
  destination = 0;
  protocol = -1;
  /** Position of the quoted transport header, of which 8 bytes are there. */
  transport = 0;
  /** Bytes of the quoted IP packet before it was cut, by its own length field. */
  length = 0;

  /**
   * Reads the packet that an error on its way down quotes. False for what is no error, or has a wrong checksum, or quotes nothing that we
   * understand, a fragment, or something that the error's receiver has not sent.
   */
  read(packet: Packet, view: DataView): boolean {
    if (!isError(packet, view)) return false;
    this.at = icmp.quoted(packet.transport);
    return (packet.version === 4 ? this.#read4(packet, view) : this.#read6(packet, view)) && isIntact(packet, view);
  }

  #read4(packet: Packet, view: DataView): boolean {
    const { at } = this;
    if (!ipv4.fits(view, at, packet.end) || ipv4.fragmentOffset(view, at) !== 0) return false;
    this.version = 4;
    this.source = at + ipv4.SOURCE;
    this.destination = at + ipv4.DESTINATION;
    this.protocol = ipv4.protocol(view, at);
    this.transport = at + ipv4.headerLength(view, at);
    this.length = ipv4.totalLength(view, at);
    return this.transport + LEAST <= packet.end && ipv4.source(view, at) === ipv4.destination(view, packet.network);
  }

  #read6(packet: Packet, view: DataView): boolean {
    const { at } = this;
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

function isError({ version, protocol, fragment, transport, end }: Packet, view: DataView): boolean {
  if (fragment || !icmp.fits(transport, end)) return false;
  if (version === 4) return protocol === ICMP && icmp.isError(icmp.type(view, transport));
  return version === 6 && protocol === ICMPV6 && icmpv6.isError(icmpv6.type(view, transport));
}

/** False where the checksum is wrong. Of a message that a capture cut, it cannot be known. */
function isIntact(packet: Packet, view: DataView): boolean {
  const { version, network, transport, end } = packet;
  if (!isWhole(packet)) return true;
  if (version === 4) return fold(sum(view, transport, end - transport)) === 0;
  return transportValid(view, 6, network, ICMPV6, transport, end);
}
