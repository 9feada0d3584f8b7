import { BlockList, isIPv4, isIPv6 } from "node:net";
import fc from "fast-check";
import { test } from "tap";
import { dissect } from "../../src/packet/dissect.js";
import { Packet } from "../../src/packet/packet.js";
import * as arp from "../../src/wire/arp.js";
import * as checksum from "../../src/wire/checksum.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import * as options from "../../src/wire/option-list.js";
import * as pcap from "../../src/wire/pcap.js";
import * as pcapng from "../../src/wire/pcapng.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { AUTHENTICATION, ESP, ICMP, ICMPV6, NO_NEXT_HEADER, TCP, UDP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import * as udp from "../../src/wire/udp.js";
import { frame, over, type Shape } from "../support/frame.js";

type Read = (view: DataView, at: number) => number;
type Write = (view: DataView, at: number, value: number) => void;

/** Bytes of the header, and each field with its bits. */
const HEADERS: Record<string, [number, ...[Read, Write, bits: number, unit?: number][]]> = {
  ethernet: [
    ethernet.HEADER,
    [ethernet.destination, ethernet.setDestination, 48],
    [ethernet.source, ethernet.setSource, 48],
    [ethernet.type, ethernet.setType, 16],
  ],
  arp: [
    arp.LENGTH,
    [arp.operation, arp.setOperation, 16],
    [arp.senderMac, arp.setSenderMac, 48],
    [arp.senderAddress, arp.setSenderAddress, 32],
    [arp.targetMac, arp.setTargetMac, 48],
    [arp.targetAddress, arp.setTargetAddress, 32],
  ],
  ipv4: [
    ipv4.HEADER,
    [ipv4.headerLength, ipv4.setHeaderLength, 4, 4],
    [ipv4.trafficClass, ipv4.setTrafficClass, 8],
    [ipv4.totalLength, ipv4.setTotalLength, 16],
    [ipv4.identification, ipv4.setIdentification, 16],
    [ipv4.ttl, ipv4.setTtl, 8],
    [ipv4.protocol, ipv4.setProtocol, 8],
    [ipv4.checksum, ipv4.setChecksum, 16],
    [ipv4.source, ipv4.setSource, 32],
    [ipv4.destination, ipv4.setDestination, 32],
  ],
  ipv6: [
    ipv6.HEADER,
    [ipv6.payloadLength, ipv6.setPayloadLength, 16],
    [ipv6.nextHeader, ipv6.setNextHeader, 8],
    [ipv6.hopLimit, ipv6.setHopLimit, 8],
  ],
  tcp: [
    tcp.HEADER,
    [tcp.sourcePort, tcp.setSourcePort, 16],
    [tcp.destinationPort, tcp.setDestinationPort, 16],
    [tcp.sequence, tcp.setSequence, 32],
    [tcp.acknowledgment, tcp.setAcknowledgment, 32],
    [tcp.headerLength, tcp.setHeaderLength, 4, 4],
    [tcp.flags, tcp.setFlags, 8],
    [tcp.window, tcp.setWindow, 16],
    [tcp.checksum, tcp.setChecksum, 16],
    [tcp.urgent, tcp.setUrgent, 16],
  ],
  udp: [
    udp.HEADER,
    [udp.sourcePort, udp.setSourcePort, 16],
    [udp.destinationPort, udp.setDestinationPort, 16],
    [udp.length, udp.setLength, 16],
    [udp.checksum, udp.setChecksum, 16],
  ],
  icmp: [
    icmp.HEADER,
    [icmp.type, icmp.setType, 8],
    [icmp.code, icmp.setCode, 8],
    [icmp.identifier, icmp.setIdentifier, 16],
    [icmp.sequence, icmp.setSequence, 16],
  ],
  icmpv6: [
    icmpv6.HEADER,
    [icmpv6.type, icmpv6.setType, 8],
    [icmpv6.code, icmpv6.setCode, 8],
    [icmpv6.identifier, icmpv6.setIdentifier, 16],
    [icmpv6.sequence, icmpv6.setSequence, 16],
  ],
};

for (const [name, [length, ...fields]] of Object.entries(HEADERS)) {
  test(`${name}: what is written is read, in any order, and nothing beside it changes`, async () => {
    const writes = fc.tuple(
      ...fields.map(([, , bits, unit = 1]) => fc.bigInt(0n, 2n ** BigInt(bits) - 1n).map((n) => Number(n) * unit)),
    );
    const order = fc.shuffledSubarray([...fields.keys()], { minLength: fields.length });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: length + 20, maxLength: length + 20 }),
        fc.nat(20),
        writes,
        order,
        (bytes, at, values, indices) => {
          const before = bytes.slice();
          const view = over(bytes);
          for (const i of indices) fields[i]?.[1](view, at, values[i] ?? 0);
          const around = (all: Uint8Array): Uint8Array =>
            Buffer.concat([all.subarray(0, at), all.subarray(at + length)]);
          return (
            fields.every(([read], i) => read(view, at) === values[i]) &&
            Buffer.compare(around(bytes), around(before)) === 0
          );
        },
      ),
    );
  });
}

test("ipv4: fragment fields and ipv6: the first word, written and read", async () => {
  const view = over(new Uint8Array(40));
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), fc.nat(8191), (dont, more, units) => {
      ipv4.setFragment(view, 0, dont, more, units * 8);
      return (
        ipv4.dontFragment(view, 0) === dont &&
        ipv4.moreFragments(view, 0) === more &&
        ipv4.fragmentOffset(view, 0) === units * 8 &&
        ipv4.isFragment(view, 0) === (more || units > 0)
      );
    }),
  );
  fc.assert(
    fc.property(fc.nat(255), fc.nat(0xfffff), (trafficClass, flowLabel) => {
      ipv6.setVersion(view, 0, trafficClass, flowLabel);
      return (
        ipv6.version(view, 0) === 6 &&
        ipv6.trafficClass(view, 0) === trafficClass &&
        ipv6.flowLabel(view, 0) === flowLabel
      );
    }),
  );
});

/** A sum as one would write it first: big numbers, one byte at a time. */
function naive(bytes: Uint8Array): number {
  let sum = 0n;
  for (const [i, byte] of bytes.entries()) sum += BigInt(byte) << (i % 2 === 0 ? 8n : 0n);
  while (sum > 0xffffn) sum = (sum & 0xffffn) + (sum >> 16n);
  return Number(~sum & 0xffffn);
}

test("checksum: equals its naive twin, whole or in parts", async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000, size: "max" }), fc.nat(50), fc.nat(3000), (bytes, skip, cut) => {
      const at = Math.min(skip, bytes.length);
      const length = bytes.length - at;
      const first = Math.min(cut & ~1, length & ~1);
      const view = over(bytes);
      const expected = naive(bytes.subarray(at));
      const parts = checksum.sum(view, at + first, length - first, checksum.sum(view, at, first));
      // Both ways of writing zero are the same sum.
      const same = (a: number): boolean => a % 0xffff === expected % 0xffff;
      return same(checksum.fold(checksum.sum(view, at, length))) && same(checksum.fold(parts));
    }),
    { numRuns: 500 },
  );
});

const address4 = fc.ipV4();
const address6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => ipv6.format(over(bytes), 0));
/** An address with runs of zeros, as people write them. */
const sparse6 = fc.array(fc.constantFrom(0, 0, 0, 1, 0xffff, 0xab), { minLength: 8, maxLength: 8 });

const shape: fc.Arbitrary<Shape> = fc
  .record({
    four: fc.boolean(),
    pair4: fc.tuple(address4, address4),
    pair6: fc.tuple(address6, address6),
    protocol: fc.constantFrom(TCP, UDP, ICMP, 47, ESP),
    tags: fc.array(fc.nat(0xffff), { maxLength: 3 }),
    sourcePort: fc.nat(0xffff),
    destinationPort: fc.nat(0xffff),
    payload: fc.uint8Array({ maxLength: 60 }),
    options: fc
      .array(fc.constantFrom(1, 2, 4, 8, 3), { maxLength: 10 })
      .map((list) => Uint8Array.from(list.flatMap((n) => [1, 1, 1, n]))),
    extensions: fc.array(
      fc.oneof(
        fc.tuple(fc.constantFrom(0, 43, 60, 135, 139, 140), fc.nat(3)).map(([kind, units]) => {
          const bytes = new Uint8Array(8 + 8 * units);
          bytes[1] = units;
          return [kind, bytes] as const;
        }),
        fc.nat(5).map((units) => {
          const bytes = new Uint8Array(8 + 4 * units);
          bytes[1] = units;
          return [AUTHENTICATION, bytes] as const;
        }),
      ),
      { maxLength: 4 },
    ),
    trailer: fc.nat(20),
  })
  .map(({ four, pair4, pair6, protocol, ...rest }) => {
    const [from, to] = four ? pair4 : pair6;
    return {
      ...rest,
      from,
      to,
      protocol: protocol === ICMP && !four ? ICMPV6 : protocol,
      extensions: four ? [] : rest.extensions,
    };
  });

function dissected(bytes: Uint8Array, view = over(bytes)): Packet {
  const packet = new Packet(0);
  packet.length = packet.wireLength = bytes.length;
  dissect(packet, view);
  return packet;
}

test("dissect finds what a frame was made of, and its checksums are right", async () => {
  fc.assert(
    fc.property(shape, (s) => {
      const bytes = frame(s);
      const view = over(bytes);
      const p = dissected(bytes);
      const version = s.from?.includes(":") ? 6 : 4;
      const ports = s.protocol === TCP || s.protocol === UDP;
      const checked = s.protocol !== 47 && s.protocol !== ESP && s.protocol !== ICMP;
      const text = (at4: number, at6: number): string =>
        version === 4 ? ipv4.format(view.getUint32(p.network + at4)) : ipv6.format(view, p.network + at6);
      return (
        p.version === version &&
        p.protocol === s.protocol &&
        p.network === 14 + 4 * (s.tags?.length ?? 0) &&
        p.end === bytes.length - (s.trailer ?? 0) &&
        (p.payload === p.transport || p.end - p.payload === s.payload?.length) &&
        (!ports || (p.sourcePort === s.sourcePort && p.destinationPort === s.destinationPort)) &&
        text(12, 8) === s.from &&
        text(16, 24) === s.to &&
        (!checked || checksum.transportValid(view, version, p.network, p.protocol, p.transport, p.end))
      );
    }),
    { numRuns: 1000 },
  );
});

test("one bit turned over is seen by the transport checksum", async () => {
  fc.assert(
    fc.property(shape, fc.nat(), fc.nat(7), (s, place, bit) => {
      const bytes = frame({ ...s, protocol: s.from?.includes(":") ? UDP : TCP });
      const view = over(bytes);
      const p = dissected(bytes);
      const at = p.transport + (place % (p.end - p.transport));
      // The length of a UDP datagram may say less than the packet holds; a checksum of none may not be made.
      fc.pre(p.protocol !== UDP || at < p.transport + 4 || at > p.transport + 7);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
      return !checksum.transportValid(view, p.version, p.network, p.protocol, p.transport, p.end);
    }),
  );
});

/** What a packet says of itself, wherever it came from. */
function consistent(p: Packet, length: number): boolean {
  const inOrder =
    0 <= p.network && p.network <= p.transport && p.transport <= p.payload && p.payload <= length && p.end <= length;
  const transport = p.version !== 0 || (p.protocol === -1 && p.end === length);
  const ports = p.protocol === TCP || p.protocol === UDP || (p.sourcePort === 0 && p.destinationPort === 0);
  // "No next header" ends an IPv6 chain; behind an IPv4 header it is a protocol number like any other.
  return inOrder && transport && ports && (p.version === 4 || p.protocol !== NO_NEXT_HEADER);
}

test("dissect never leaves the frame, whatever is in it", async () => {
  const damage = fc.array(fc.tuple(fc.nat(90), fc.oneof(fc.nat(255), fc.nat(16))), { maxLength: 3 });
  // A whole frame, some bytes of it changed, and its end cut off: most cuts and changes fall into the headers.
  const damaged = fc.tuple(shape, damage, fc.nat(120)).map(([s, changes, cut]) => {
    const all = frame(s);
    for (const [at, value] of changes) if (at < all.length) all[at] = value;
    return all.slice(0, Math.max(0, cut < 60 ? all.length - cut : all.length));
  });
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 100 }), { weight: 9, arbitrary: damaged });
  fc.assert(
    fc.property(bytes, fc.nat(3000), (all, more) => {
      // A view over the frame alone: a read outside it throws.
      const p = new Packet(0);
      p.length = all.length;
      p.wireLength = all.length + (more > 1500 ? more : 0);
      dissect(p, over(all));
      return consistent(p, all.length);
    }),
    { numRuns: 20_000 },
  );
});

test("options: never outside the list, and found where a naive walk finds them", async () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 8), fc.nat(255)), { maxLength: 40 }),
      fc.nat(10),
      (list, kind) => {
        const view = over(Uint8Array.from(list));
        let expected = -1;
        for (let at = 0; at < list.length && list[at] !== 0;) {
          const length = list[at] === 1 ? 1 : (list[at + 1] ?? 0);
          if (list[at] !== 1 && (length < 2 || at + length > list.length)) break;
          if (list[at] === kind) {
            expected = at;
            break;
          }
          at += length;
        }
        const steps: number[] = [];
        for (let at = 0; at !== -1 && list.length > 0; at = options.next(view, at, list.length)) steps.push(at);
        return options.find(view, 0, list.length, kind) === expected && (expected === -1 || steps.includes(expected));
      },
    ),
    { numRuns: 2000 },
  );
});

test("IPv4 text: parse of format is identity, and Node agrees on what is an address", async () => {
  fc.assert(fc.property(fc.nat({ max: 0xffffffff }), (n) => ipv4.parse(ipv4.format(n)) === n));
  const text = fc
    .array(fc.constantFrom("0", "1", "9", "25", "255", "256", "01", ".", ".", ".", " "), { maxLength: 9 })
    .map((a) => a.join(""));
  fc.assert(
    fc.property(fc.oneof(text, fc.ipV4(), fc.string()), (s) => (ipv4.parse(s) !== null) === isIPv4(s)),
    { numRuns: 5000 },
  );
});

test("IPv6 text: canonical as in a URL, and Node agrees on what is an address", async () => {
  fc.assert(
    fc.property(fc.oneof(sparse6, fc.array(fc.nat(0xffff), { minLength: 8, maxLength: 8 })), (groups) => {
      const written = groups.map((g) => g.toString(16)).join(":");
      const bytes = ipv6.parse(written);
      if (bytes === null) return false;
      const text = ipv6.format(over(bytes), 0);
      const again = ipv6.parse(text);
      // A URL writes IPv4-mapped addresses in hexadecimal.
      const canonical = text.includes(".") || `[${text}]` === new URL(`http://[${written}]/`).hostname;
      return canonical && again !== null && Buffer.compare(again, bytes) === 0;
    }),
    { numRuns: 2000 },
  );
  const pieces = fc.array(fc.constantFrom("0", "1", "ab", "ffff", "12345", ":", ":", ":", "::", "1.2.3.4", "g"), {
    maxLength: 16,
  });
  const text = fc.oneof(
    pieces.map((a) => a.join("")),
    fc.ipV6(),
  );
  fc.assert(
    fc.property(text, (s) => (ipv6.parse(s) !== null) === (isIPv6(s) && !s.includes("%"))),
    { numRuns: 20_000 },
  );
});

test("MAC text: parse of format is identity", async () => {
  fc.assert(fc.property(fc.maxSafeNat(), (n) => ethernet.parseMac(ethernet.formatMac(n % 2 ** 48)) === n % 2 ** 48));
});

test("prefixes: Node's BlockList agrees", async () => {
  const near = fc.constantFrom(0, 1, 127, 128, 255, 192, 168, 254);
  const bytes = (n: number): fc.Arbitrary<Uint8Array> =>
    fc.array(near, { minLength: n, maxLength: n }).map((a) => Uint8Array.from(a));
  const text = (b: Uint8Array): string =>
    b.length === 4 ? ipv4.format(over(b).getUint32(0)) : ipv6.format(over(b), 0);
  for (const [size, family] of [
    [4, "ipv4"],
    [16, "ipv6"],
  ] as const) {
    const networks = fc.array(fc.tuple(bytes(size), fc.nat(size * 8)), { maxLength: 5 });
    // A neighbour of a network: its own bytes with one bit turned over.
    fc.assert(
      fc.property(networks, bytes(size), fc.nat(size * 8 - 1), (list, other, bit) => {
        const blocks = new BlockList();
        // BlockList takes no prefix of length 0; that every address lies in it is tested elsewhere.
        const cidrs = list.map(([b, bits]) => [text(b), Math.max(bits, 1)] as const);
        for (const [address, bits] of cidrs) blocks.addSubnet(address, bits, family);
        const prefixes = new Prefixes(cidrs.map(([address, bits]) => `${address}/${String(bits)}`));
        return [
          other,
          ...list.map(([b]) => b.map((byte, i) => (i === bit >> 3 ? byte ^ (0x80 >> (bit & 7)) : byte))),
        ].every((b) => {
          const view = over(b);
          const mine = size === 4 ? prefixes.has4(view.getUint32(0)) : prefixes.has6(view, 0);
          // BlockList reads IPv4-mapped addresses as IPv4.
          return text(b).startsWith("::ffff:") || mine === blocks.check(text(b), family);
        });
      }),
      { numRuns: 1000 },
    );
  }
});

test("pcapng times: exact to a double's grain, at every resolution of ten and two", async () => {
  const resolution = fc.oneof(fc.integer({ min: 0, max: 11 }), fc.integer({ min: 0x80, max: 0x80 + 37 }));
  const recent = fc.bigInt(0n, 4_000_000_000n);
  fc.assert(
    fc.property(resolution, recent, fc.nat({ max: 0x7fffffff }), (byte, seconds, fraction) => {
      const ticks = pcapng.ticksPerSecond(byte);
      const part = BigInt(Math.floor((fraction / 0x80000000) * ticks));
      const stamp = seconds * BigInt(ticks) + part;
      fc.pre(stamp < 2n ** 64n);
      const found = pcapng.micros(Number(stamp >> 32n), Number(stamp & 0xffffffffn), ticks);
      const exact = Number(seconds) * 1e6 + (Number(part) / ticks) * 1e6;
      return Math.abs(found - exact) <= 0.5;
    }),
    { numRuns: 5000 },
  );
  // Finer than 2^-37 s, a timestamp is only as good as a double of ticks.
  for (const byte of [12, 15, 18, 0x80 + 38, 0x80 + 60]) {
    const ticks = pcapng.ticksPerSecond(byte);
    const stamp = BigInt(ticks) * 15n + BigInt(ticks / 2);
    fc.assert(
      fc.property(
        fc.constant(0),
        () => Math.abs(pcapng.micros(Number(stamp >> 32n), Number(stamp & 0xffffffffn), ticks) - 15.5e6) < 0.01,
      ),
    );
  }
});

test("pcap times: what is written is read", async () => {
  const view = over(new Uint8Array(16));
  fc.assert(
    fc.property(fc.nat({ max: 0xfffffffe }), fc.nat(999_999), fc.nat(3), (seconds, micros, quarter) => {
      const time = seconds * 1e6 + micros + quarter / 4;
      pcap.setRecordHeader(view, 0, time, 1, 2);
      const fraction = pcap.recordFraction(view, 0, true);
      return fraction < 1e9 && pcap.recordSeconds(view, 0, true) * 1e6 + fraction / 1e3 === time;
    }),
  );
});
