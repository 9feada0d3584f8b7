import { completeChecksum } from "../../src/wire/checksum.js";
import * as icmp from "../../src/wire/icmp.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "./frame.js";
import { long, short } from "./quic.js";
import { sackOptions, stampOptions } from "./tcp-segment.js";

/** A frame of an input capture. */
export interface Given {
  /** Seconds since the capture's start. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** Bytes kept, where the capture was cut. */
  readonly cut?: number;
}

/** One golden capture: what goes in, and under which configuration. */
export interface Case {
  /** `in-<frames>-…-out-<frames>-…`: the numbers behind `out` add up to the frames that leave. */
  readonly name: string;
  readonly config: string;
  /** `decoys`: those that the box sent when it was given the rest alone; for answers to them. */
  readonly frames: (decoys: readonly Given[]) => Given[];
}

export const DEVICE = "02:00:00:00:00:01";
const ROUTER = "02:00:00:00:00:02";
const SPEAKER = "192.168.77.10";
const SPEAKER6 = "2001:db8::10";
const CLOUD = "198.51.100.7";
const CLOUD6 = "2001:db8:1::7";

function up(at: number, shape: Shape = {}): Given {
  return { at, bytes: frame({ source: DEVICE, destination: ROUTER, from: SPEAKER, to: CLOUD, ...shape }) };
}

function down(at: number, shape: Shape = {}): Given {
  const link = { source: ROUTER, destination: DEVICE };
  return { at, bytes: frame({ ...link, from: CLOUD, to: SPEAKER, sourcePort: 443, destinationPort: 40000, ...shape }) };
}

function bytes(n: number): Uint8Array {
  return new Uint8Array(n).map((_, i) => i);
}

/** A configuration for the device with these lines. */
function config(...lines: string[]): string {
  const head = ["inside: in0", "outside: out0", "preset: off", "devices:", "  - name: speaker", `    mac: "${DEVICE}"`];
  return [...head, ...lines, ""].join("\n");
}

const PAD = "  pad: { enabled: true, target: mtu }";
const JITTER = "  jitter: { enabled: true, variance: 2, window: 500ms, maxDelay: 20ms }";
const DECOYS = "  decoy: { enabled: true, variance: 8, window: 2s, kinds: [udp], hops: 2, size: 100B }";

/** Two bursts of datagrams in different windows, so that their number has a variance. */
const UDP_8 = [0, 0.1, 0.2, 2.1, 4.1, 4.2, 4.3, 6.5].map((at, i) =>
  up(at, { payload: bytes(10 * i), sourcePort: 40000 + (i % 3) }),
);

const OVERLAP =
  "  pad: { enabled: true, target: mtu, trailer: false, tcpOverlap: true, tcpAcks: true, tcpFiller: true }";
const PACED = "  pace: { enabled: true, interval: 5ms, maxDelay: 20ms, maxGap: 0s }";
const WINDOWS = "  window: { enabled: true, size: 32KiB }";

/** A segment with these sequence and acknowledgment numbers. */
function numbered(given: Given, sequence: number, acknowledgment: number): Given {
  const view = over(given.bytes);
  const six = view.getUint16(12) === 0x86dd;
  const at = six ? 54 : 34;
  tcp.setSequence(view, at, sequence);
  tcp.setAcknowledgment(view, at, acknowledgment);
  completeChecksum(view, six ? 6 : 4, 14, TCP, at, given.bytes.length);
  return given;
}

/** An echo request as the reply to it, its checksum right. */
function echoReply(given: Given, six: boolean): Given {
  const view = over(given.bytes);
  const at = six ? 54 : 34;
  view.setUint8(at, six ? 129 : 0);
  if (six) completeChecksum(view, 6, 14, ICMPV6, at, given.bytes.length);
  else icmp.updateChecksum(view, at, given.bytes.length);
  return given;
}

/** A handshake, the device's acknowledgment of it, and what else it sends: [flags, window, payload bytes] each. */
function talk(at: number, shape: Shape, scale: number, sends: readonly (readonly [number, number, number])[]): Given[] {
  const { from = SPEAKER, to = CLOUD, sourcePort = 40000 } = shape;
  const ours = { ...shape, protocol: TCP, sourcePort, payload: bytes(0) };
  const theirs = { protocol: TCP, from: to, to: from, destinationPort: sourcePort, payload: bytes(0) };
  const options = (shift: number): Uint8Array => Uint8Array.from([2, 4, 5, 180, 1, 3, 3, shift]);
  let next = 1001;
  return [
    numbered(up(at, { ...ours, flags: tcp.SYN, window: 64_240, options: options(scale) }), 1000, 0),
    numbered(down(at + 0.02, { ...theirs, flags: tcp.SYN | tcp.ACK, window: 65_160, options: options(7) }), 5000, 1001),
    numbered(up(at + 0.021, { ...ours, flags: tcp.ACK, window: 502 }), 1001, 5001),
    ...sends.map(([flags, window, length], i) => {
      const sent = numbered(up(at + 0.03 + i / 100, { ...ours, flags, window, payload: bytes(length) }), next, 5001);
      next += length;
      return sent;
    }),
  ];
}

/** What a device and a server say in a TCP connection, one step after the other; 1000 and 5000 are their SYNs. */
class Dialog {
  readonly frames: Given[] = [];
  readonly #up: Shape;
  readonly #down: Shape;
  #at: number;
  /** The clocks of their timestamps. */
  #ours = 100;
  #theirs = 700;

  constructor(at: number, six: boolean, port = 40_000) {
    const [from, to] = six ? [SPEAKER6, CLOUD6] : [SPEAKER, CLOUD];
    this.#at = at;
    this.#up = { from, to, protocol: TCP, sourcePort: port, payload: bytes(0) };
    this.#down = { from: to, to: from, protocol: TCP, destinationPort: port, payload: bytes(0) };
  }

  /** SYN, SYN-ACK, ACK: both permit SACK and stamp their segments. */
  shake(): this {
    const options = Uint8Array.from([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7]);
    over(options).setUint32(8, this.#ours);
    this.#step(up, this.#up, 1000, 0, { flags: tcp.SYN, window: 64_240, options });
    const answer = options.slice();
    over(answer).setUint32(8, this.#theirs);
    over(answer).setUint32(12, this.#ours);
    this.#step(down, this.#down, 5000, 1001, { flags: tcp.SYN | tcp.ACK, window: 65_160, options: answer });
    return this.up(1001, 5001);
  }

  up(sequence: number, acknowledgment: number, more: Shape & { readonly sack?: readonly [number, number] } = {}): this {
    const { sack, ...shape } = more;
    const stamps = stampOptions(++this.#ours, this.#theirs);
    const options = sack === undefined ? stamps : Uint8Array.from([...stamps, ...sackOptions(sack)]);
    return this.#step(up, this.#up, sequence, acknowledgment, { options, ...shape });
  }

  down(
    sequence: number,
    acknowledgment: number,
    more: Shape & { readonly sack?: readonly [number, number] } = {},
  ): this {
    const { sack, ...shape } = more;
    const stamps = stampOptions(++this.#theirs, this.#ours);
    const options = sack === undefined ? stamps : Uint8Array.from([...stamps, ...sackOptions(sack)]);
    return this.#step(down, this.#down, sequence, acknowledgment, { options, ...shape });
  }

  #step(way: typeof up, ends: Shape, sequence: number, acknowledgment: number, more: Shape): this {
    const flags = tcp.ACK | ((more.payload?.length ?? 0) > 0 ? tcp.PSH : 0);
    this.#at += 0.01;
    this.frames.push(numbered(way(this.#at, { ...ends, flags, ...more }), sequence, acknowledgment));
    return this;
  }
}

/** A ClientHello as far as it matters here, data, acknowledgments of all kinds, a retransmission, a keep-alive and the end. */
function conversation(six: boolean): Given[] {
  // What stands before the payload of a segment that fills 1500 bytes, without and with a SACK block.
  const headers = (six ? 60 : 40) + 12;
  const room = 1500 - headers;
  const hello = Uint8Array.from([22, 3, 1, 0, 195, ...bytes(195)]);
  return (
    new Dialog(0, six)
      .shake()
      .up(1001, 5001, { payload: hello })
      .down(5001, 1201, { sack: [1001 - (room - 200), 1001] })
      .down(5001, 1201, { payload: bytes(1200) })
      .up(1201, 6201)
      // The server reports what that acknowledgment repeated, and says nothing else.
      .down(6201, 1201, { sack: [1201 - room, 1201] })
      .up(1201, 6201, { payload: bytes(30) })
      .down(6201, 1231, { sack: [1201 - (room - 30), 1201] })
      // A segment of the server is lost; what follows it is reported.
      .down(6301, 1231, { payload: bytes(100) })
      .up(1231, 6201, { sack: [6301, 6401] })
      .down(6401, 1231, { sack: [1231 - (room - 12), 1231] })
      .down(6201, 1231, { payload: bytes(100) })
      .up(1231, 6401)
      // A segment of the device comes late, and is sent again: the second report is the device's own.
      .up(1231, 6401, { payload: bytes(40) })
      .up(1231, 6401, { payload: bytes(40) })
      .down(6401, 1271)
      .down(6401, 1271, { sack: [1231, 1271] })
      // A keep-alive; its answer is one that the device waits for.
      .up(1270, 6401)
      .down(6401, 1271, { sack: [1271 - room, 1271] })
      .up(1271, 6401, { flags: tcp.FIN | tcp.ACK })
      .down(6401, 1272, { flags: tcp.FIN | tcp.ACK })
      .up(1272, 6402).frames
  );
}

/** ICMP time exceeded from the provider's router, quoting a decoy as far as it must (RFC 792). */
function timeExceeded(decoy: Given): Given {
  const quoted = decoy.bytes.slice(14, 14 + ipv4.HEADER + 8);
  const answer = frame({
    source: ROUTER,
    destination: DEVICE,
    from: "203.0.113.1",
    to: SPEAKER,
    protocol: ICMP,
    payload: quoted,
  });
  const view = over(answer);
  view.setUint8(34, 11);
  view.setUint32(38, 0);
  return { at: decoy.at + 0.02, bytes: answer };
}

export const CASES: readonly Case[] = [
  { name: "in-8-udp-out-8", config: config(), frames: () => UDP_8 },
  { name: "in-8-udp-out-8-padded", config: config("defenses:", PAD), frames: () => UDP_8 },
  { name: "in-8-udp-out-8-padded-2-decoys", config: config("defenses:", PAD, DECOYS), frames: () => UDP_8 },
  {
    name: "in-9-with-1-answer-to-a-decoy-out-8-and-2-decoys",
    config: config("defenses:", DECOYS),
    frames: (decoys) => [...UDP_8, ...decoys.slice(0, 1).map(timeExceeded)].sort((a, b) => a.at - b.at),
  },
  {
    name: "in-27-with-3-local-out-27-the-local-undelayed",
    config: config("defenses:", JITTER),
    frames: () => {
      const bursts = [0, 0.5, 1, 1.5, 2, 2.5].flatMap((at, i) => [0, 1, 4, 20].map((ms) => at + (ms * (i + 1)) / 1000));
      const query = hex("ffffffffffff 020000000001 0806 0001080006040001 020000000001 c0a84d0a 000000000000 c0a84d01");
      return [
        ...bursts.map((at) => up(at, { protocol: TCP })),
        up(2.5001, { to: "192.168.77.1", destinationPort: 53 }),
        up(2.5002, { to: "224.0.0.251", destination: "01:00:5e:00:00:fb", destinationPort: 5353 }),
        { at: 2.5003, bytes: query },
      ].sort((a, b) => a.at - b.at);
    },
  },
  {
    name: "in-8-tcp-both-ways-out-8-padded-to-the-maximum",
    config: config("defenses:", "  pad: { enabled: true, target: max }"),
    frames: () =>
      [40, 400, 40, 900].flatMap((n, i) => [
        up(i * 0.1, { protocol: TCP, payload: bytes(n) }),
        down(i * 0.1 + 0.02, { protocol: TCP, payload: bytes(2 * n) }),
      ]),
  },
  {
    name: "in-7-ipv6-out-7-padded",
    config: config("defenses:", PAD),
    frames: () => {
      const six = { from: SPEAKER6, to: CLOUD6 };
      const padding = hex("00 00 01 04 00000000");
      return [
        up(0, { ...six, protocol: TCP, payload: bytes(100) }),
        up(0.1, { ...six, protocol: UDP, extensions: [[0, padding]] }),
        up(0.2, { ...six, protocol: UDP, extensions: [[44, hex("11 00 0001 00000001")]], payload: bytes(64) }),
        up(0.3, { ...six, protocol: UDP, extensions: [[44, hex("11 00 0048 00000001")]], payload: bytes(30) }),
        up(0.4, { ...six, protocol: ICMPV6 }),
        up(0.5, {
          ...six,
          protocol: UDP,
          extensions: [
            [0, padding],
            [60, padding],
          ],
        }),
        down(0.6, { from: CLOUD6, to: SPEAKER6, protocol: UDP }),
      ];
    },
  },
  {
    name: "in-6-malformed-out-6-padded",
    config: config("defenses:", PAD),
    frames: () => {
      const claims = up(0.3).bytes.slice();
      over(claims).setUint16(16, 1400);
      const header = up(0.4, { protocol: TCP }).bytes.slice();
      over(header).setUint8(46, 0xf0);
      const version = up(0.5).bytes.slice();
      over(version).setUint8(14, 0x95);
      return [
        { at: 0, bytes: hex(`${ROUTER} ${DEVICE} 0800`) },
        { at: 0.1, bytes: hex(`${ROUTER} ${DEVICE} 0800 45`) },
        { at: 0.2, bytes: hex(`${ROUTER} ${DEVICE} 88b5 00010203`) },
        { at: 0.3, bytes: claims },
        { at: 0.4, bytes: header },
        { at: 0.5, bytes: version },
      ];
    },
  },
  {
    name: "in-3-of-which-1-merged-out-3-untouched",
    config: config(),
    frames: () => [
      up(0, { protocol: TCP }),
      up(0.1, { protocol: TCP, payload: bytes(2880) }),
      up(0.2, { protocol: TCP }),
    ],
  },
  {
    name: "in-4-cut-by-the-capture-out-4-padded",
    config: config("defenses:", PAD),
    frames: () => [200, 0, 700, 1400].map((n, i) => ({ ...up(i, { protocol: TCP, payload: bytes(n) }), cut: 68 })),
  },
  {
    name: "in-4-tagged-out-4-padded",
    config: config("defenses:", PAD),
    frames: () => [0, 100, 1000, 1400].map((n, i) => up(i, { tags: [7], payload: bytes(n) })),
  },
  {
    name: "in-21-tcp-of-which-2-local-out-21-windows-clamped",
    config: config("defenses:", WINDOWS),
    frames: () =>
      [
        ...talk(0, {}, 7, [
          [tcp.ACK, 60_000, 100],
          [tcp.ACK, 100, 0],
          [tcp.ACK, 0, 0],
          [tcp.RST | tcp.ACK, 0, 0],
        ]),
        ...talk(0.2, { from: SPEAKER6, to: CLOUD6, sourcePort: 40001 }, 6, [
          [tcp.ACK | tcp.PSH, 2_000, 40],
          [tcp.ACK | tcp.FIN, 2_000, 0],
        ]),
        ...talk(0.4, { sourcePort: 40002, to: "198.51.100.8" }, 14, [[tcp.ACK, 3, 10]]),
        // Begun before the capture, with a reset of nobody's; and at home.
        up(0.6, { protocol: TCP, sourcePort: 40003, window: 60_000 }),
        up(0.7, { protocol: TCP, sourcePort: 40004, flags: tcp.RST, window: 0 }),
        up(0.8, { protocol: TCP, to: "192.168.77.1", flags: tcp.SYN, window: 64_240 }),
        up(0.9, { protocol: TCP, to: "192.168.77.1", window: 60_000 }),
        up(1, { protocol: TCP, flags: tcp.SYN, window: 1_000, sourcePort: 40005 }),
      ].sort((a, b) => a.at - b.at),
  },
  {
    name: "in-4-tcp-cut-by-the-capture-out-4-windows-clamped",
    config: config("defenses:", WINDOWS),
    frames: () => talk(0, {}, 7, [[tcp.ACK, 60_000, 900]]).map((given) => ({ ...given, cut: 70 })),
  },
  {
    name: "in-18-with-2-local-out-18-in-slots",
    config: config("defenses:", PACED),
    frames: () =>
      [
        ...[0, 0.0001, 0.0002, 0.0003, 0.0004, 0.0005, 0.0006].map((at) =>
          up(at, { protocol: TCP, payload: bytes(9) }),
        ),
        ...[1, 1.005, 1.0099, 1.01, 1.0101, 1.5, 1.7001].map((at, i) => up(at, { payload: bytes(i) })),
        up(1.0002, { to: "192.168.77.1", destinationPort: 53 }),
        up(1.0003, { to: "224.0.0.251", destination: "01:00:5e:00:00:fb", destinationPort: 5353 }),
        down(1.0004, { payload: bytes(70) }),
        down(1.0005, { payload: bytes(71) }),
      ].sort((a, b) => a.at - b.at),
  },
  {
    name: "in-3-out-3-and-3-decoys-in-the-gaps",
    config: config("defenses:", "  pace: { enabled: true, interval: 5ms, maxDelay: 20ms, maxGap: 2s }"),
    frames: () => [0.5, 6, 9.3].map((at) => up(at, { payload: bytes(30) })),
  },
  {
    name: "in-16-udp-both-ways-out-16-padded-behind-the-router-2-decoys-too",
    config: config("defenses:", "  pad: { enabled: true, target: mtu, trailer: false, udpSurplus: true }", DECOYS),
    frames: () =>
      UDP_8.flatMap((query, i) => [
        query,
        down(query.at + 0.03, { payload: bytes(50), destinationPort: 40000 + (i % 3) }),
      ]),
  },
  {
    name: "in-8-quic-out-8-the-short-headers-behind-a-packet-for-nobody",
    config: config(
      "defenses:",
      "  pad: { enabled: true, target: mtu, trailer: false, udpSurplus: true, quicPrefix: true }",
    ),
    frames: () => {
      const [client, server] = [hex("c0c1c2c3"), hex("e0e1e2e3e4")];
      const six = { from: SPEAKER6, to: CLOUD6 };
      const back = { from: CLOUD6, to: SPEAKER6 };
      return [
        up(0, { payload: long("initial") }),
        down(0.02, { payload: long("initial", { destination: client, source: server }) }),
        up(0.03, { payload: short(server, 40) }),
        up(0.04, { payload: short(server, 1001) }),
        up(0.05, { ...six, payload: long("initial") }),
        down(0.07, { ...back, payload: long("initial", { destination: client, source: server }) }),
        up(0.08, { ...six, payload: short(server, 31) }),
        // Another port: nothing that is known to be QUIC.
        up(0.09, { destinationPort: 4433, payload: short(server, 40) }),
      ];
    },
  },
  {
    name: "in-24-tcp-with-2-reports-of-padding-alone-out-22-padded",
    config: config("defenses:", OVERLAP),
    frames: () => conversation(false),
  },
  {
    name: "in-24-tcp-ipv6-with-2-reports-of-padding-alone-out-22-padded",
    config: config("defenses:", OVERLAP),
    frames: () => conversation(true),
  },
  {
    name: "in-14-tcp-with-3-resets-out-14-the-resets-full",
    config: config("defenses:", "  pad: { enabled: true, target: mtu, trailer: false, tcpReset: true }"),
    frames: () => [
      ...new Dialog(0, false)
        .shake()
        .up(1001, 5001, { payload: bytes(100) })
        .down(5001, 1101)
        .up(1101, 5001, { flags: tcp.RST | tcp.ACK, window: 0 }).frames,
      ...new Dialog(1, true, 40_001)
        .shake()
        .up(1001, 5001, { payload: bytes(100) })
        .down(5001, 1101)
        .up(1101, 0, { flags: tcp.RST, window: 0, options: bytes(0) }).frames,
      // Begun before the capture: no more than the flow has shown.
      numbered(up(2, { protocol: TCP, sourcePort: 40_002, payload: bytes(300) }), 9000, 1),
      numbered(up(2.1, { protocol: TCP, sourcePort: 40_002, flags: tcp.RST, payload: bytes(0) }), 9300, 0),
    ],
  },
  {
    name: "in-6-pings-with-answers-out-6-grown-and-cut-back",
    config: config("defenses:", "  pad: { enabled: true, target: mtu, trailer: false, icmpEcho: true }"),
    frames: () => {
      const six = { from: SPEAKER6, to: CLOUD6 };
      // As the remote side sends it back: all that it got.
      const answer = (at: number, six: boolean, length: number): Given => {
        const ends = six ? { from: CLOUD6, to: SPEAKER6 } : {};
        const payload = Uint8Array.from([...bytes(length), ...bytes((six ? 1452 : 1472) - length).fill(0)]);
        return echoReply(down(at, { ...ends, protocol: six ? ICMPV6 : ICMP, payload }), six);
      };
      return [
        up(0, { protocol: ICMP, payload: bytes(56) }),
        answer(0.02, false, 56),
        up(1, { ...six, protocol: ICMPV6, payload: bytes(57) }),
        answer(1.02, true, 57),
        // One that nobody asked for.
        echoReply(down(2, { from: "198.51.100.8", protocol: ICMP, payload: bytes(100) }), false),
        up(2.1, { to: "192.168.77.1", protocol: ICMP, payload: bytes(56) }),
      ];
    },
  },
];
