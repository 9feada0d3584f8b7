import { integer, uniform, type Random } from "../../src/random/random.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import { DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, ROUTING, TCP, UDP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "./frame.js";

/** Values at which length checks go wrong. */
const EDGES = [0, 1, 2, 4, 7, 8, 15, 16, 19, 20, 39, 40, 41, 0x45, 0x4f, 0x60, 0x7f, 0x80, 0xfe, 0xff];
const WIDE_EDGES = [0, 1, 7, 8, 19, 20, 40, 1280, 1500, 1514, 2048, 0x0800, 0x0806, 0x8100, 0x86dd, 0x7fff, 0xffff];
/** Where headers lie, and so most of what a parser believes. */
const HEADERS = 90;
/** Longer than a packet slot: such a frame arrives cut. */
const LONGEST = 2100;
const MACS = 12;

/** Makes frames that nobody would send out of ones that somebody does; the same for the same draws. */
export class Mutator {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A changed copy of `one`, perhaps with a part of `other` in it. In most, the MAC addresses stay, so that the rest is looked at. */
  next(one: Uint8Array, other: Uint8Array): Uint8Array {
    let bytes: Uint8Array = one.slice();
    for (let changes = integer(this.#random, 0, 3); changes > 0; changes--) bytes = this.#change(bytes, other);
    if (uniform(this.#random) < 0.95) bytes.set(one.subarray(0, Math.min(MACS, bytes.length)));
    return bytes;
  }

  #change(bytes: Uint8Array, other: Uint8Array): Uint8Array {
    const random = this.#random;
    const { length } = bytes;
    const at = integer(random, 0, Math.max(0, Math.min(length, HEADERS) - 1));
    switch (integer(random, 0, 6)) {
      case 0:
        if (at < length) bytes[at] = (bytes[at] ?? 0) ^ (1 << integer(random, 0, 7));
        return bytes;
      case 1:
        if (at < length) bytes[at] = pick(random, EDGES);
        return bytes;
      case 2:
        if (at + 2 <= length) over(bytes).setUint16(at, pick(random, WIDE_EDGES));
        return bytes;
      case 3:
        return bytes.slice(0, integer(random, 0, length));
      case 4: {
        const longer = new Uint8Array(integer(random, length, uniform(random) < 0.1 ? LONGEST : length + 40));
        longer.set(bytes.subarray(0, longer.length));
        return longer;
      }
      case 5: {
        const head = bytes.subarray(0, at);
        const tail = other.subarray(integer(random, 0, other.length));
        const spliced = new Uint8Array(head.length + tail.length);
        spliced.set(head);
        spliced.set(tail, head.length);
        return spliced;
      }
      default:
        for (let i = at; i < Math.min(length, at + 8); i++) bytes[i] = random.word() & 0xff;
        return bytes;
    }
  }
}

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  const found = list[integer(random, 0, list.length - 1)];
  if (found === undefined) throw new RangeError("nothing to pick from");
  return found;
}

/** The addresses of a conversation, seen from its sender. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
  readonly from: string;
  readonly to: string;
}

/** Well-formed frames of every kind that the datapath tells apart, from `four.source` to `four.destination` and over IPv6 likewise. */
export function everyKind(four: Ends, six: Ends): Uint8Array[] {
  const payload = new Uint8Array(160).map((_, i) => (i * 37) & 0xff);
  const options = hex("0204 05b4 0402 080a 00000001 00000000 01 030306");
  const shapes: Shape[] = [four, six].flatMap((ends) => [
    { ...ends, protocol: TCP, flags: tcp.SYN, options, payload: new Uint8Array(0) },
    { ...ends, protocol: TCP, payload },
    { ...ends, protocol: TCP, tags: [100], payload },
    { ...ends, protocol: UDP, destinationPort: 53 },
    { ...ends, protocol: UDP, tags: [7, 8], payload },
    { ...ends, protocol: UDP, trailer: 30 },
    { ...ends, protocol: 47, payload },
    { ...ends, protocol: ends === six ? ICMPV6 : ICMP, payload },
  ]);
  const extensions: (readonly [number, Uint8Array])[] = [
    [HOP_BY_HOP, hex("00 00 0104 00000000")],
    [DESTINATION_OPTIONS, hex("00 01 1e0c 000000000000000000000000")],
    [ROUTING, hex("00 02 00 01 00000000 20010db8000000000000000000000009")],
    [FRAGMENT, hex("00 00 0001 12345678")],
    [FRAGMENT, hex("00 00 0010 12345678")],
  ];
  const extended = extensions.map((one): Shape => ({ ...six, protocol: UDP, extensions: [one], payload }));
  const fragment = frame({ ...four, protocol: UDP, payload });
  over(fragment).setUint16(20, 0x2004);
  const arp = frame({ ...four, payload: new Uint8Array(0) }).slice(0, 42);
  arp.set(hex("0806 0001 0800 06 04 0001"), 12);
  const length802 = frame({ ...four }).slice(0, 60);
  over(length802).setUint16(12, 46);
  return [
    ...[...shapes, ...extended].map((shape) => frame(shape)),
    ...[icmp.UNREACHABLE, icmp.TIME_EXCEEDED].map((type) => error(four, type, frame({ ...reversed(four), payload }))),
    ...[icmpv6.UNREACHABLE, icmpv6.TIME_EXCEEDED].map((type) => error(six, type, frame({ ...reversed(six), payload }))),
    fragment,
    arp,
    length802,
  ];
}

/** The way back. */
export function reversed({ source, destination, from, to }: Ends): Ends {
  return { source: destination, destination: source, from: to, to: from };
}

/** An ICMP error of a type that quotes the IP packet of an untagged frame. Its checksum is that of an echo request. */
export function error(ends: Ends, type: number, quoted: Uint8Array): Uint8Array {
  const six = ends.from.includes(":");
  const bytes = frame({ ...ends, protocol: six ? ICMPV6 : ICMP, payload: quoted.subarray(14) });
  bytes[six ? 54 : 34] = type;
  return bytes;
}
