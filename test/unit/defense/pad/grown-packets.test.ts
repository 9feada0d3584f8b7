import { test, type Test } from "tap";
import type { PadOptions } from "../../../../src/defense/options.js";
import * as icmp from "../../../../src/wire/icmp.js";
import * as ipv4 from "../../../../src/wire/ipv4.js";
import * as icmpv6 from "../../../../src/wire/icmpv6.js";
import { UDP } from "../../../../src/wire/protocol.js";
import * as tcp from "../../../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { echoRequest, icmpError, tooBig } from "../../../support/icmp.js";
import { long, short } from "../../../support/quic.js";
import { TcpBox } from "../../../support/tcp-box.js";
import { segment, stampOptions, synOptions, type Segment } from "../../../support/tcp-segment.js";

const NETWORK = 14;
const text = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (from + i) % 251);
const device = (six: boolean): string => (six ? "2001:db8::1" : "192.168.1.5");
const server = (six: boolean): string => (six ? "2001:db8:1::2" : "198.51.100.7");

/** A datagram of the device, or one to it. */
function datagram(six: boolean, payload: Uint8Array, down = false): Uint8Array {
  const [from, to] = down ? [server(six), device(six)] : [device(six), server(six)];
  const ports: Shape = down ? { sourcePort: 443, destinationPort: 40_000 } : {};
  return frame({ from, to, protocol: UDP, payload, ...ports });
}

/** A box through which a TCP flow and a QUIC connection have begun. */
function begun(six: boolean, options: Partial<PadOptions> = {}): TcpBox {
  const box = new TcpBox(options);
  const step = (shape: Segment): void => {
    box.pass(segment({ six, acknowledgment: shape.up ? 901 : 101, ...shape }), shape.up);
  };
  step({ up: true, sequence: 100, flags: tcp.SYN, options: synOptions(1460) });
  step({ up: false, sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(1460) });
  step({ up: true, sequence: 101 });
  step({ up: true, sequence: 101, payload: text(50) });
  step({ up: false, sequence: 901, acknowledgment: 151, payload: text(9) });
  box.pass(datagram(six, long("initial")), true);
  box.pass(datagram(six, long("initial", { destination: hex("c0c1c2c3"), source: hex("e0e1e2e3e4") }), true), false);
  return box;
}

const stamps = stampOptions(7, 8);
/** What the device sends next, by what it is. */
const PACKETS: Readonly<Record<string, (six: boolean) => Uint8Array>> = {
  data: (six) => segment({ up: true, six, sequence: 151, acknowledgment: 910, payload: text(7, 50) }),
  "data with timestamps": (six) =>
    segment({ up: true, six, sequence: 151, acknowledgment: 910, payload: text(70, 50), options: stamps }),
  acknowledgment: (six) => segment({ up: true, six, sequence: 151, acknowledgment: 910 }),
  FIN: (six) => segment({ up: true, six, sequence: 151, acknowledgment: 910, flags: tcp.FIN | tcp.ACK }),
  urgent: (six) => segment({ up: true, six, sequence: 151, flags: tcp.URG | tcp.ACK, urgent: 3, payload: text(7, 50) }),
  RST: (six) => segment({ up: true, six, sequence: 151, flags: tcp.RST | tcp.ACK }),
  query: (six) => frame({ from: device(six), to: server(six), destinationPort: 53, payload: text(31) }),
  QUIC: (six) => datagram(six, short(hex("e0e1e2e3e4"), 40)),
  ping: (six) => echoRequest({ from: device(six), to: server(six), payload: text(56) }),
};

/** What routers say, of both versions. */
const ERRORS = {
  4: [
    [icmp.UNREACHABLE, 1, 0],
    [icmp.UNREACHABLE, icmp.PORT_UNREACHABLE, 0],
    [icmp.TIME_EXCEEDED, 0, 0],
    [icmp.SOURCE_QUENCH, 0, 0],
  ],
  6: [
    [icmpv6.UNREACHABLE, icmpv6.PORT_UNREACHABLE, 0],
    [icmpv6.UNREACHABLE, 1, 0],
    [icmpv6.TIME_EXCEEDED, 0, 0],
    [icmpv6.PARAMETER_PROBLEM, 1, 6],
  ],
} as const;

/** What of these grows at its end; the others do before their payload. */
const AT_THE_END = ["RST", "query", "ping"];

/** Bytes of an error's quote that the device gets: what is quoted of the packet as it was sent, without what was put into it. */
function remains(sent: Uint8Array, grown: Uint8Array, quoted: number, inFront: boolean): number {
  const headers = Math.min(payloadOf(sent) - NETWORK, quoted);
  const left = inFront ? Math.max(quoted - (grown.length - sent.length), headers) : quoted;
  return Math.min(left, sent.length - NETWORK);
}

const isSix = (bytes: Uint8Array): boolean => over(bytes).getUint16(12) === 0x86dd;
const transportOf = (bytes: Uint8Array): number => NETWORK + (isSix(bytes) ? 40 : 20);
const isTcp = (bytes: Uint8Array): boolean => bytes[NETWORK + (isSix(bytes) ? 6 : 9)] === 6;
const payloadOf = (bytes: Uint8Array): number =>
  transportOf(bytes) + (isTcp(bytes) ? tcp.headerLength(over(bytes), transportOf(bytes)) : 8);

for (const six of [false, true]) {
  for (const [name, make] of Object.entries(PACKETS)) {
    test(`errors that quote ${name} quote it as the device has sent it, IPv${six ? 6 : 4}`, async (t) => {
      for (const [type, code, rest] of ERRORS[six ? 6 : 4]) {
        for (const quoted of six ? [100, 120, 576, 1232] : [28, 33, 40, 60, 128, 548, 1500]) {
          const box = begun(six);
          const sent = make(six);
          const grown = box.pass(sent, true);
          if (grown === null) throw new Error("swallowed on its way up");
          t.equal(grown.length, 1514);
          const got = box.pass(icmpError(grown, type, code, rest, { quoted }), false);
          const wanted = icmpError(sent, type, code, rest, {
            quoted: remains(sent, grown, quoted, !AT_THE_END.includes(name)),
          });
          t.same(got, wanted, `type ${type}, ${quoted} bytes`);
          t.equal(box.modules.tally.read("errors_restored"), 1);
        }
      }
    });
  }
}

/** Gives the box an error of a segment that it has grown. */
function unreachable(t: Test, six: boolean, change: (error: Uint8Array, sent: Uint8Array) => Uint8Array): void {
  const box = begun(six);
  const sent = (PACKETS["data"] ?? datagram)(six, text(0));
  const grown = box.pass(sent, true) ?? sent;
  const error = change(icmpError(grown, six ? 1 : 3, 1, 0), sent);
  t.same(box.pass(error, false), error);
  t.equal(box.modules.tally.read("errors_restored"), 0);
}

test("what is not known to have left is not touched", async (t) => {
  for (const six of [false, true]) {
    const at = transportOf(frame({ from: device(six) })) + 8;
    unreachable(t, six, (_, sent) => icmpError(sent, six ? 1 : 3, 1, 0));
    unreachable(t, six, (error) => {
      const bytes = error.slice();
      bytes[at + (six ? 45 : 25)] = 0x55;
      return bytes;
    });
    unreachable(t, six, (error) => icmpError(error, 3, 1, 0));
  }
});

test("of packets that were too big those are told of that were so without padding, as they were sent", async (t) => {
  for (const six of [false, true]) {
    const box = begun(six);
    const header = six ? 60 : 40;
    const sent = [1440, 40].map((length, i) => {
      const payload = text(length - header);
      const flags = tcp.ACK | (i === 0 ? tcp.PSH : 0);
      const bytes = segment({
        up: true,
        six,
        sequence: 151 + i * (1440 - header),
        acknowledgment: 910,
        flags,
        payload,
      });
      // The acknowledgment repeats all that the other holds: but for this the two are alike in what is quoted.
      if (!six) ipv4.setIdentification(over(bytes), NETWORK, i);
      if (!six) ipv4.updateChecksum(over(bytes), NETWORK);
      return bytes;
    });
    const grown = sent.map((bytes) => box.pass(bytes, true) ?? bytes);
    for (const { length } of grown) t.equal(length, 1514);
    const errors = grown.map((bytes) => tooBig(bytes, 1400));
    const own = tooBig(sent[0] ?? text(0), 1400, { quoted: six ? 1172 : 28 });
    const told = errors.map((error) => box.pass(error, false));
    t.same(told, [own, null]);
    t.equal(box.pass(errors[0] ?? text(0), false), null, "once");
    const counted = (["paths_learned", "errors_restored", "errors_swallowed"] as const).map((name) =>
      box.modules.tally.read(name),
    );
    t.same(counted, [1, 1, 2]);
  }
});

test("an extension behind the quote stays where it is (RFC 4884)", async (t) => {
  const behind = hex("2000 dead 0008 0101 00010203");
  for (const six of [false, true]) {
    const box = begun(six);
    const sent = (PACKETS["acknowledgment"] ?? datagram)(six, text(0));
    const grown = box.pass(sent, true) ?? sent;
    const [type, rest] = six ? [1, (128 / 8) << 24] : [3, (128 / 4) << 16];
    const got = box.pass(icmpError(grown, type, 1, rest, { quoted: 128, behind }), false);
    const filled = Uint8Array.from([...sent, ...new Uint8Array(128 + NETWORK - sent.length)]);
    t.same(got, icmpError(filled, type, 1, rest, { quoted: 128, behind }));
  }
});

test("the last thousand are remembered", async (t) => {
  const box = begun(false);
  const query = (i: number): Uint8Array =>
    frame({
      from: device(false),
      to: server(false),
      destinationPort: 53,
      payload: hex(i.toString(16).padStart(8, "0")),
    });
  const grown = Array.from({ length: 1025 }, (_, i) => box.pass(query(i), true) ?? query(i));
  const error = (i: number): Uint8Array => icmpError(grown[i] ?? query(i), 3, 3, 0);
  t.same(box.pass(error(0), false), error(0));
  for (const i of [1, 1024]) t.same(box.pass(error(i), false), icmpError(query(i), 3, 3, 0));
});
