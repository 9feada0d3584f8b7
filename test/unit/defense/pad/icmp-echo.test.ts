import { test } from "tap";
import { IcmpEcho } from "../../../../src/defense/pad/icmp-echo.js";
import { DOWN } from "../../../../src/packet/packet.js";
import { micros, seconds, type Micros } from "../../../../src/time/micros.js";
import * as ipv4 from "../../../../src/wire/ipv4.js";
import { FRAGMENT, ICMP, ICMPV6, UDP } from "../../../../src/wire/protocol.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { arrive, leave, passesIcmp, passesIp } from "../../../support/grown.js";
import { echoReply, echoRequest } from "../../../support/icmp.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const FAMILIES: readonly Shape[] = [{ protocol: ICMP }, { protocol: ICMPV6, from: "2001:db8::1", to: "2001:db8:1::2" }];

function bench() {
  const modules = mechanismModules();
  const { view } = modules.pool;
  const mechanism = new IcmpEcho(modules);
  return {
    modules,
    trimmed: () => modules.tally.read("replies_trimmed"),
    /** The frame as it leaves the box. */
    up: (bytes: Uint8Array, { now = micros(0), target = 1514, cut = bytes.length } = {}): Uint8Array => {
      const packet = arrive(modules, bytes, { now, cut });
      mechanism.grow(packet, target, modules.destinations.of(packet, view), now);
      return leave(modules, packet);
    },
    /** The frame as it reaches the device. */
    down: (bytes: Uint8Array, now: Micros = micros(0)): Uint8Array => {
      const packet = arrive(modules, bytes, { direction: DOWN, now });
      mechanism.clean(packet, modules.destinations.of(packet, view), now);
      return leave(modules, packet);
    },
  };
}

/** An echo request with a number of its own. */
function request(shape: Shape, sequence: number, payload = hex("68757368 62")): Uint8Array {
  return echoRequest({ ...shape, payload }, sequence);
}

test("an echo request grows by zeros, and its reply reaches the device as if it had not", async (t) => {
  for (const shape of FAMILIES) {
    for (const size of [0, 1, 5, 56, 1000]) {
      const { modules, up, down, trimmed } = bench();
      const before = frame({ ...shape, payload: new Uint8Array(size).map((_, i) => i + 7) });
      const packet = arrive(modules, before);
      new IcmpEcho(modules).grow(packet, 1514, modules.destinations.of(packet, modules.pool.view), micros(0));
      t.match(packet, { length: 1514, wireLength: 1514, added: 1514 - before.length });
      t.ok(passesIp(modules, packet) && passesIcmp(modules, packet), `${size} bytes`);
      leave(modules, packet);
      const after = up(before);
      t.equal(after.length, 1514);
      t.same(down(echoReply(after)), echoReply(before));
      t.equal(trimmed(), 1);
      t.same(down(echoReply(after)), echoReply(before), "a second copy too");
    }
  }
});

test("what is not an outstanding reply of ours passes untouched", async (t) => {
  for (const shape of FAMILIES) {
    const { up, down, trimmed } = bench();
    const after = up(request(shape, 1));
    const reply = echoReply(after);
    const untouched = (bytes: Uint8Array, why: string, now = micros(0)): void => {
      t.same(down(bytes, now), bytes, why);
    };
    untouched(echoReply(up(request(shape, 2), { target: 40 })), "of a request that was not grown");
    untouched(echoReply(up(request(shape, 3)).slice()).subarray(0, 14), "not even a header");
    untouched(echoReply(request(shape, 1)), "shorter than what was sent");
    untouched(echoReply(request(shape, 9, new Uint8Array(1400))), "with a number that was never sent");
    untouched(after, "a request of the other side");
    untouched(reply, "late", seconds(61));
    const changed = reply.slice();
    changed[1000] = 1;
    untouched(changed, "with other bytes than were sent");
    const stranger = request({ ...shape, to: shape.to === undefined ? "203.0.113.5" : "2001:db8:5::5" }, 1);
    untouched(echoReply(frame({ ...shape, payload: new Uint8Array(1400) })), "of another length");
    untouched(echoReply(stranger), "of another host");
    t.equal(trimmed(), 0);
    down(reply);
    t.equal(trimmed(), 1);
  }
});

test("a number that is used again for a request that needs no padding is forgotten", async (t) => {
  for (const shape of FAMILIES) {
    const { up, down } = bench();
    up(request(shape, 1));
    const header = request(shape, 1, new Uint8Array(0)).length;
    const full = request(shape, 1, new Uint8Array(1514 - header));
    t.same(up(full), full);
    t.same(down(echoReply(full)), echoReply(full));
  }
});

test("not grown: other messages, fragments, groups, what has the size already", async (t) => {
  const [four = {}, six = {}] = FAMILIES;
  const { up } = bench();
  const untouched = (bytes: Uint8Array, why: string): void => {
    t.same(up(bytes), bytes, why);
  };
  untouched(frame({ protocol: UDP }), "UDP");
  untouched(echoReply(frame(four)), "a reply of the device");
  untouched(echoReply(frame(six)), "a reply of the device, IPv6");
  untouched(frame({ ...four, to: "239.1.2.3" }), "a group");
  untouched(frame({ ...four, to: "255.255.255.255" }), "broadcast");
  untouched(frame({ ...six, to: "ff05::2" }), "a group, IPv6");
  const fragment = frame(four);
  over(fragment).setUint16(20, 0x2000);
  untouched(fragment, "a first fragment");
  const code = frame(four);
  code[35] = 1;
  untouched(code, "a code that means nothing");
});

test("a request is left as it is while there is no room to remember it, and grows again once others were answered", async (t) => {
  const [shape = {}] = FAMILIES;
  const { up, down } = bench();
  const left = Array.from({ length: 1024 }, (_, i) => up(request(shape, i)));
  t.ok(left.every((bytes) => bytes.length === 1514));
  t.equal(up(request(shape, 1024)).length, request(shape, 1024).length);
  t.equal(up(request(shape, 1024), { now: seconds(60) }).length, 1514, "the others are given up");
  down(echoReply(left[5] ?? new Uint8Array(0)));
  t.equal(up(request(shape, 1029)).length, 1514);
  t.equal(up(request(shape, 1030)).length, request(shape, 1030).length);
});

test("of a request that a capture cut, only the header grows, and so does what its reply loses", async (t) => {
  for (const shape of FAMILIES) {
    const { modules, up } = bench();
    const before = frame({ ...shape, payload: new Uint8Array(100) });
    const after = up(before, { cut: 64 });
    t.equal(after.length, 64);
    const packet = arrive(modules, Uint8Array.from([...after, ...new Uint8Array(1514 - 64)]));
    t.ok(passesIp(modules, packet), "the header says 1500 bytes");
    leave(modules, packet);
  }
});

test("a reply that comes in pieces passes, and what is asked next fits one", async (t) => {
  const { modules, up, down } = bench();
  const four = echoReply(up(echoRequest({ from: "192.0.2.1" }))).subarray(0, 14 + 1396);
  over(four).setUint16(16, 1396);
  over(four).setUint16(20, 0x2000);
  ipv4.updateChecksum(over(four), 14);
  t.same(down(four), four);
  up(echoRequest({ from: "2001:db8::1", to: "2001:db8:1::2" }));
  const six = frame({
    from: "2001:db8:1::2",
    to: "2001:db8::1",
    protocol: ICMPV6,
    extensions: [[FRAGMENT, hex("00 00 0001 00000001")]],
    payload: new Uint8Array(1336),
  });
  over(six).setUint8(62, 129);
  t.same(down(six), six);
  const { paths, destinations } = modules;
  t.equal(paths.limit(destinations.known(over(four), 26, 4), micros(1)), 1396);
  t.equal(paths.limit(destinations.known(over(six), 22, 6), micros(1)), 1392);
});
