import { test } from "tap";
import { PASS, SWALLOW } from "../../../../src/defense/defense.js";
import { GrownPackets } from "../../../../src/defense/pad/grown-packets.js";
import { IcmpErrors } from "../../../../src/defense/pad/icmp-errors.js";
import { SentSizes } from "../../../../src/defense/pad/sent-sizes.js";
import { WATCHED } from "../../../../src/defense/pad/watched.js";
import { ipBytes } from "../../../../src/packet/ip-bytes.js";
import { DOWN } from "../../../../src/packet/packet.js";
import { micros, millis, seconds } from "../../../../src/time/micros.js";
import { DESTINATION_OPTIONS, FRAGMENT, ICMP, ICMPV6, TCP, UDP } from "../../../../src/wire/protocol.js";
import * as tcp from "../../../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { arrive, leave } from "../../../support/grown.js";
import { sealed, tooBig } from "../../../support/icmp.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const FOUR: Shape = { from: "192.0.2.1", to: "198.51.100.7" };
const SIX: Shape = { from: "2001:db8::1", to: "2001:db8:1::2" };

/** A device that sends, and hears of it. */
function bench() {
  const modules = mechanismModules();
  const { pool, destinations, flows, paths, tally } = modules;
  const sizes = new SentSizes(destinations);
  const errors = new IcmpErrors({ ...modules, sizes, grown: new GrownPackets(modules) });
  return {
    /** Sends a packet of the device and answers it as it would be with padding up to an IP length. */
    send: (shape: Shape, grown = 1500, now = micros(0)): Uint8Array => {
      const bytes = frame(shape);
      const packet = arrive(modules, bytes, { now });
      sizes.note(destinations.of(packet, pool.view), ipBytes(packet, pool.view), now);
      if (packet.protocol === TCP) modules.tcp.see(packet, pool.view, flows.generation(packet.flow));
      leave(modules, packet);
      if (grown > bytes.length - 14) {
        const view = over(bytes);
        if (shape.from?.includes(":") === true) view.setUint16(18, grown - 40);
        else view.setUint16(16, grown);
      }
      return bytes;
    },
    hear: (error: Uint8Array, now = micros(1)): number => {
      const packet = arrive(modules, error, { direction: DOWN, now });
      const verdict = errors.clean(packet, now);
      leave(modules, packet);
      return verdict;
    },
    limit: (shape: Shape, now = micros(1)): number => {
      const view = over(frame(shape));
      const six = shape.to?.includes(":") === true;
      return paths.limit(destinations.known(view, six ? 38 : 30, six ? 6 : 4), now);
    },
    tallies: () => [tally.read("paths_learned"), tally.read("errors_swallowed")],
  };
}

/** An error with one byte of it changed and its checksum right again, where it is IPv4's. */
function with4(error: Uint8Array, at: number, byte: number): Uint8Array {
  const bytes = error.slice();
  bytes[at] = byte;
  return sealed(bytes);
}

test("an error that only padding earned is learned from and ends here", async (t) => {
  for (const shape of [
    { ...FOUR, protocol: UDP },
    { ...FOUR, protocol: TCP },
    { ...FOUR, protocol: ICMP },
    { ...SIX, protocol: UDP },
    { ...SIX, protocol: TCP },
    { ...SIX, protocol: ICMPV6 },
    { ...SIX, extensions: [[DESTINATION_OPTIONS, hex("00 00 1e04 00000000")]] },
  ] as Shape[]) {
    const { send, hear, limit, tallies } = bench();
    const sent = send(shape);
    t.equal(hear(tooBig(sent, 1400)), SWALLOW);
    t.equal(limit(shape), 1400);
    t.same(tallies(), [1, 1]);
    t.equal(hear(tooBig(sent, 1400)), SWALLOW, "of what was on its way");
    t.same(tallies(), [1, 2]);
    t.equal(limit(shape, seconds(601)), Infinity);
  }
});

test("an error that the device has earned reaches it", async (t) => {
  for (const shape of [FOUR, SIX]) {
    const { send, hear, limit, tallies } = bench();
    send({ ...shape, payload: new Uint8Array(1400) });
    const sent = send(shape);
    t.equal(hear(tooBig(sent, 1400)), PASS, "the device itself sends more than that");
    t.equal(limit(shape), 1400);
    t.same(tallies(), [1, 0]);
    send(shape, 1400, seconds(130));
    t.equal(hear(tooBig(sent, 1350), seconds(130)), SWALLOW, "not since minutes");
  }
});

test("a router that names no MTU: the next plateau below the packet", async (t) => {
  const { send, hear, limit } = bench();
  t.equal(hear(tooBig(send(FOUR), 0)), SWALLOW);
  t.equal(limit(FOUR), 1492);
  t.equal(hear(tooBig(send(FOUR, 1492), 0)), SWALLOW);
  t.equal(limit(FOUR), 1006);
  t.equal(hear(tooBig(send(FOUR, 1006), 0)), PASS);
  t.equal(limit(FOUR), 576);
});

test("an MTU below what every path takes is not believed as it stands", async (t) => {
  const { send, hear, limit } = bench();
  t.equal(hear(tooBig(send(FOUR), 68)), PASS);
  t.equal(limit(FOUR), 576);
  t.equal(hear(tooBig(send(SIX), 1000)), PASS);
  t.equal(limit(SIX), Infinity);
});

test("what nobody can have sent in answer to the device is not believed", async (t) => {
  for (const shape of [FOUR, SIX]) {
    const { send, hear, limit, tallies } = bench();
    const sent = send(shape);
    const other = { ...shape, to: shape === FOUR ? "198.51.100.8" : "2001:db8:1::9" };
    const mine = { ...shape, from: shape === FOUR ? "192.0.2.9" : "2001:db8::9" };
    const unknown = (error: Uint8Array, why: string, now = micros(1)): void => {
      t.equal(hear(error, now), PASS, why);
      t.equal(limit(shape), Infinity, why);
    };
    unknown(tooBig(frame(other), 1400), "another host");
    unknown(tooBig(sent, 1400, { to: mine.from }), "another receiver than the quoted packet's sender");
    unknown(tooBig(frame(mine), 1400), "another device");
    unknown(tooBig(frame({ ...shape, sourcePort: 5 }), 1400), "another flow");
    unknown(tooBig(frame({ ...shape, protocol: TCP }), 1400), "another protocol");
    unknown(tooBig(frame(shape), 1400), "a packet that was smaller than the MTU");
    unknown(tooBig(sent, 1500), "a packet that was as large as the MTU");
    unknown(tooBig(sent, 1400, { quoted: shape === FOUR ? 20 : 40 }), "no transport header");
    unknown(tooBig(sent, 1400), "a packet of long ago", seconds(200));
    const broken = tooBig(sent, 1400);
    broken[broken.length - 1] = 0xff & ~(broken[broken.length - 1] ?? 0);
    unknown(broken, "a wrong checksum");
    t.same(tallies(), [0, 0]);
  }
});

test("quotes that are not what they should be", async (t) => {
  const { send, hear, limit } = bench();
  const sent = send(FOUR);
  const good = tooBig(sent, 1400);
  t.equal(hear(with4(good, 42, 0x60)), PASS, "no IPv4 header");
  t.equal(hear(with4(good, 42, 0x4f)), PASS, "a header beyond the message");
  t.equal(hear(with4(good, 49, 8)), PASS, "a later fragment");
  t.equal(hear(with4(good, 35, 3)), PASS, "another code");
  t.equal(hear(good.subarray(0, 50)), PASS, "cut");
  const six = send({ ...SIX, extensions: [[FRAGMENT, hex("00 00 0009 00000001")]] });
  t.equal(hear(tooBig(six, 1400)), PASS, "a later fragment, IPv6");
  t.equal(hear(tooBig(six, 1400, { quoted: 44 })), PASS, "half an extension header");
  t.equal(limit(FOUR), Infinity);
  t.equal(limit(SIX), Infinity);
});

test("a segment that is quoted must lie in the flow's window, with room for what padding repeats", async (t) => {
  for (const [moved, verdict] of [
    [0, SWALLOW],
    [-1400, SWALLOW],
    [-70_000, PASS],
    [5, PASS],
    [1 << 30, PASS],
  ] as const) {
    const { send, hear } = bench();
    const sent = send({ ...FOUR, protocol: TCP, payload: hex("68757368") });
    const view = over(sent);
    tcp.setSequence(view, 34, tcp.sequence(view, 34) + moved);
    t.equal(hear(tooBig(sent, 1400)), verdict, `moved by ${moved}`);
  }
});

test("a TCP connection hears of a path once, and never of numbers from before its window", async (t) => {
  const { send, hear, tallies } = bench();
  const shape: Shape = { ...FOUR, protocol: TCP, payload: new Uint8Array(1440) };
  const error = (moved: number): Uint8Array => {
    const sent = send(shape);
    const view = over(sent);
    tcp.setSequence(view, 34, tcp.sequence(view, 34) + moved);
    return tooBig(sent, 1400);
  };
  t.equal(hear(error(-900)), SWALLOW, "only padding begins there");
  t.equal(hear(error(0), millis(10)), PASS);
  t.equal(hear(error(0), millis(159)), SWALLOW, "it is sending less by now");
  t.equal(hear(error(0), millis(161)), PASS, "or has not heard of it");
  t.same(tallies(), [1, 2]);
  const other = send({ ...shape, sourcePort: 5 });
  t.equal(hear(tooBig(other, 1400), millis(162)), PASS, "another connection");
  const datagram = send({ ...FOUR, protocol: UDP, payload: new Uint8Array(1440) });
  t.equal(hear(tooBig(datagram, 1400), millis(163)), PASS);
  t.equal(hear(tooBig(datagram, 1400), millis(164)), PASS, "of datagrams each");
});

test("no mechanism is doubted for what a router has found too big", async (t) => {
  const modules = mechanismModules();
  const { pool, destinations, trust } = modules;
  const sizes = new SentSizes(destinations);
  const errors = new IcmpErrors({ ...modules, sizes, grown: new GrownPackets(modules) });
  const bytes = frame({ ...FOUR, protocol: UDP });
  const packet = arrive(modules, bytes, { now: micros(0) });
  const to = destinations.of(packet, pool.view);
  sizes.note(to, ipBytes(packet, pool.view), micros(0));
  trust.grew(to, WATCHED.udpSurplus, UDP, 1500, micros(0));
  leave(modules, packet);
  over(bytes).setUint16(16, 1500);
  const error = arrive(modules, tooBig(bytes, 1400), { direction: DOWN, now: millis(5) });
  t.equal(errors.clean(error, millis(5)), SWALLOW);
  leave(modules, error);
  t.equal(trust.allows(to, WATCHED.udpSurplus, seconds(3)), true);
});
