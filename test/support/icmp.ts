import { completeChecksum } from "../../src/wire/checksum.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { ICMP, ICMPV6 } from "../../src/wire/protocol.js";
import { frame, over, type Shape } from "./frame.js";

const NETWORK = ethernet.HEADER;

/** An echo request of the family of `from`. */
export function echoRequest(shape: Shape, sequence = 1, identifier = 0x4242): Uint8Array {
  const six = shape.from?.includes(":") === true;
  const bytes = frame({ ...shape, protocol: six ? ICMPV6 : ICMP });
  const view = over(bytes);
  icmp.setIdentifier(view, transportOf(view), identifier);
  icmp.setSequence(view, transportOf(view), sequence);
  return sealed(bytes);
}

/** What a host answers to an echo request without extension headers: everything back, addresses swapped. */
export function echoReply(request: Uint8Array): Uint8Array {
  const bytes = request.slice();
  const view = over(bytes);
  const six = isSix(view);
  const [at, length] = six ? [NETWORK + ipv6.SOURCE, 16] : [NETWORK + ipv4.SOURCE, 4];
  bytes.set(request.subarray(at + length, at + 2 * length), at);
  bytes.set(request.subarray(at, at + length), at + length);
  icmp.setType(view, transportOf(view), six ? icmpv6.ECHO_REPLY : icmp.ECHO_REPLY);
  return sealed(bytes);
}

/** How a router makes an error. */
export interface ErrorShape {
  readonly from?: string;
  readonly to?: string;
  /** Bytes of the IP packet that are quoted. */
  readonly quoted?: number;
  /** What stands behind the quote. */
  readonly behind?: Uint8Array;
}

/** A router's "packet too big" that quotes a frame's IP packet. */
export function tooBig(sent: Uint8Array, mtu: number, shape: ErrorShape = {}): Uint8Array {
  const [type, code] = isSix(over(sent)) ? [icmpv6.PACKET_TOO_BIG, 0] : [icmp.UNREACHABLE, icmp.FRAGMENTATION_NEEDED];
  return icmpError(sent, type, code, mtu, shape);
}

/**
 * A router's error that quotes a frame's IP packet, cut as routers cut: 28 bytes of IPv4, or what 1280 bytes have room for. `rest`: the four
 * bytes behind the checksum.
 */
export function icmpError(
  sent: Uint8Array,
  type: number,
  code: number,
  rest: number,
  shape: ErrorShape = {},
): Uint8Array {
  const view = over(sent);
  const six = isSix(view);
  const device = six ? ipv6.format(view, NETWORK + ipv6.SOURCE) : ipv4.format(ipv4.source(view, NETWORK));
  const { from = six ? "2001:db8:ff::1" : "203.0.113.9", to = device, quoted = six ? 1232 : 28 } = shape;
  const cut = sent.subarray(NETWORK, Math.min(sent.length, NETWORK + quoted));
  const payload = Uint8Array.from([...cut, ...(shape.behind ?? [])]);
  const bytes = frame({ from, to, protocol: six ? ICMPV6 : ICMP, payload });
  const error = over(bytes);
  const at = transportOf(error);
  icmp.setType(error, at, type);
  icmp.setCode(error, at, code);
  error.setUint32(at + 4, rest);
  return sealed(bytes);
}

/** The frame of a message without extension headers and without trailer, with its checksum right. */
export function sealed(bytes: Uint8Array): Uint8Array {
  const view = over(bytes);
  const at = transportOf(view);
  if (isSix(view)) completeChecksum(view, 6, NETWORK, ICMPV6, at, bytes.length);
  else icmp.updateChecksum(view, at, bytes.length);
  return bytes;
}

function isSix(view: DataView): boolean {
  return ipv4.version(view, NETWORK) === 6;
}

function transportOf(view: DataView): number {
  return NETWORK + (isSix(view) ? ipv6.HEADER : ipv4.HEADER);
}
