import * as checksum from "../../src/wire/checksum.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";

/** Bytes from hexadecimal text; everything else in it is decoration. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/[^0-9a-fA-F]/g, "");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A view over exactly these bytes. */
export function over(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export interface Shape {
  readonly source?: string;
  readonly destination?: string;
  readonly from?: string;
  readonly to?: string;
  readonly tags?: readonly number[];
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly payload?: Uint8Array;
  readonly options?: Uint8Array;
  /** IPv6: [next-header value, the header's bytes, whose first is overwritten] for each. */
  readonly extensions?: readonly (readonly [number, Uint8Array])[];
  readonly trailer?: number;
}

/** A well-formed frame with right checksums. The IP version is that of `from`. */
export function frame(shape: Shape = {}): Uint8Array {
  const {
    source = "02:00:00:00:00:01",
    destination = "02:00:00:00:00:02",
    from = "192.0.2.1",
    to = "198.51.100.7",
    tags = [],
    protocol = UDP,
    payload = hex("68757368"),
    options = new Uint8Array(0),
    extensions = [],
    trailer = 0,
  } = shape;
  const six = from.includes(":");
  const network = ethernet.HEADER + ethernet.TAG * tags.length;
  const extended = extensions.reduce((n, [, bytes]) => n + bytes.length, 0);
  const transport = network + (six ? ipv6.HEADER + extended : ipv4.HEADER);
  const header = protocol === TCP ? tcp.HEADER + options.length : 8;
  const end = transport + header + payload.length;
  const bytes = new Uint8Array(end + trailer);
  const view = over(bytes);
  ethernet.setDestination(view, 0, ethernet.parseMac(destination) ?? 0);
  ethernet.setSource(view, 0, ethernet.parseMac(source) ?? 0);
  let at = 12;
  for (const tag of tags) {
    view.setUint16(at, ethernet.VLAN);
    view.setUint16(at + 2, tag);
    at += ethernet.TAG;
  }
  view.setUint16(at, six ? ethernet.IPV6 : ethernet.IPV4);
  if (six) {
    ipv6.setVersion(view, network, 0, 0);
    ipv6.setPayloadLength(view, network, end - network - ipv6.HEADER);
    ipv6.setHopLimit(view, network, 64);
    bytes.set(ipv6.parse(from) ?? [], network + ipv6.SOURCE);
    bytes.set(ipv6.parse(to) ?? [], network + ipv6.DESTINATION);
    let field = network + 6;
    at = network + ipv6.HEADER;
    for (const [next, extension] of extensions) {
      bytes[field] = next;
      bytes.set(extension, at);
      field = at;
      at += extension.length;
    }
    bytes[field] = protocol;
  } else {
    ipv4.setHeaderLength(view, network, ipv4.HEADER);
    ipv4.setTotalLength(view, network, end - network);
    ipv4.setIdentification(view, network, 0x1234);
    ipv4.setFragment(view, network, true, false, 0);
    ipv4.setTtl(view, network, 64);
    ipv4.setProtocol(view, network, protocol);
    ipv4.setSource(view, network, ipv4.parse(from) ?? 0);
    ipv4.setDestination(view, network, ipv4.parse(to) ?? 0);
    ipv4.updateChecksum(view, network);
  }
  if (protocol === TCP || protocol === UDP) {
    view.setUint16(transport, shape.sourcePort ?? 40000);
    view.setUint16(transport + 2, shape.destinationPort ?? 443);
  }
  if (protocol === TCP) {
    tcp.setSequence(view, transport, 0xdeadbeef);
    tcp.setAcknowledgment(view, transport, 0x01020304);
    tcp.setHeaderLength(view, transport, header);
    tcp.setFlags(view, transport, shape.flags ?? tcp.ACK);
    tcp.setWindow(view, transport, shape.window ?? 502);
    bytes.set(options, transport + tcp.HEADER);
  } else if (protocol === UDP) {
    view.setUint16(transport + 4, end - transport);
  } else if (protocol === ICMP || protocol === ICMPV6) {
    bytes[transport] = protocol === ICMP ? 8 : 128;
    view.setUint16(transport + 4, 0x4242);
    view.setUint16(transport + 6, 1);
  }
  bytes.set(payload, transport + header);
  if (protocol === ICMP) view.setUint16(transport + 2, checksum.fold(checksum.sum(view, transport, end - transport)));
  else checksum.completeChecksum(view, six ? 6 : 4, network, protocol, transport, end);
  return bytes;
}
