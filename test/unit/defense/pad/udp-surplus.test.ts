import { test } from "tap";
import { UdpSurplus } from "../../../../src/defense/pad/udp-surplus.js";
import { micros } from "../../../../src/time/micros.js";
import * as checksum from "../../../../src/wire/checksum.js";
import * as ipv4 from "../../../../src/wire/ipv4.js";
import * as ipv6 from "../../../../src/wire/ipv6.js";
import { AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, ROUTING, TCP, UDP } from "../../../../src/wire/protocol.js";
import * as udp from "../../../../src/wire/udp.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { arrive, leave, passesIp, passesOcs, passesTracking, surplus } from "../../../support/grown.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const modules = mechanismModules();
const { view } = modules.pool;
const mechanism = new UdpSurplus(modules);
const six = { from: "2001:db8::1", to: "2001:db8::2" };

/** The frame after the mechanism has seen it. */
function grown(bytes: Uint8Array, target = 1514): Uint8Array {
  const packet = arrive(modules, bytes);
  mechanism.grow(packet, target, modules.destinations.of(packet, view), micros(0));
  return leave(modules, packet);
}

test("zeros behind the datagram, led by the option checksum", async (t) => {
  const before = frame({ payload: hex("68757368") });
  const packet = arrive(modules, before);
  mechanism.grow(packet, 60, modules.destinations.of(packet, view), micros(0));
  t.match(packet, { wireLength: 60, length: 60, added: 14, pad: 0 });
  t.equal(ipv4.totalLength(view, packet.network), 46);
  t.equal(udp.length(view, packet.transport), 12);
  // ~14, then the end of options and nothing.
  t.same(surplus(modules, packet), hex("fff1 00000000 00000000 00000000"));
  t.ok(passesIp(modules, packet) && passesOcs(modules, packet) && passesTracking(modules, packet));
  t.ok(checksum.transportValid(view, 4, packet.network, UDP, packet.transport, packet.end));
  const after = leave(modules, packet);
  t.same(after.subarray(26, 46), before.subarray(26, 46), "addresses, ports, UDP length, checksum and payload stand");
});

test("behind an odd datagram a zero comes first: the checksum stands on an even offset", async (t) => {
  const packet = arrive(modules, frame({ ...six, payload: hex("687573") }));
  mechanism.grow(packet, 72, modules.destinations.of(packet, view), micros(0));
  t.same(surplus(modules, packet), hex("00 fff8 00000000"));
  t.ok(passesIp(modules, packet) && passesOcs(modules, packet) && passesTracking(modules, packet));
  t.equal(ipv6.payloadLength(view, packet.network), 18);
  leave(modules, packet);
});

test("never a surplus without room for its checksum", async (t) => {
  for (const family of [{}, six]) {
    const full = 1514 - frame({ ...family, payload: new Uint8Array(0) }).length;
    const sizes = (below: number): number => grown(frame({ ...family, payload: new Uint8Array(full - below) })).length;
    t.equal(sizes(0), 1514, "full already");
    t.equal(sizes(1), 1513, "one byte short");
    t.same([2, 3, 4, 5, 100, 101, full].map(sizes), Array(7).fill(1514));
    // An odd datagram below an odd target: a zero and half a checksum would be all.
    const odd = frame({ ...family, payload: new Uint8Array(501) });
    t.equal(grown(odd, odd.length + 2).length, odd.length);
    t.equal(grown(odd, odd.length + 3).length, odd.length + 3);
    t.equal(grown(odd, odd.length - 1).length, odd.length, "longer than the target");
  }
});

test("a datagram without checksum has no option checksum either", async (t) => {
  const bytes = frame({ payload: hex("68757368") });
  udp.setChecksum(over(bytes), 34, 0);
  const after = grown(bytes, 60);
  t.same(after.subarray(40), hex("0000 68757368 0000000000000000000000000000"));
});

test("a wrong checksum stays wrong: whoever reads it is to notice", async (t) => {
  const bytes = frame({ payload: hex("68757368") });
  udp.setChecksum(over(bytes), 34, udp.checksum(over(bytes), 34) ^ 0x0100);
  const packet = arrive(modules, bytes);
  mechanism.grow(packet, 1514, modules.destinations.of(packet, view), micros(0));
  t.equal(packet.length, 1514);
  t.notOk(passesTracking(modules, packet));
  leave(modules, packet);
});

test("IPv6 behind extension headers: the surplus ends the packet, the final destination is summed", async (t) => {
  const routing = new Uint8Array(24);
  routing.set(hex("00 02 02 01"));
  routing.set(ipv6.parse("2001:db8::9") ?? [], 8);
  for (const extensions of [
    [[DESTINATION_OPTIONS, hex("00 00 01 04 00000000")]],
    [[ROUTING, routing]],
    [
      [0, hex("00 00 01 04 00000000")],
      [DESTINATION_OPTIONS, hex("00 00 01 04 00000000")],
    ],
    // An atomic fragment is a whole packet (RFC 6946).
    [[FRAGMENT, hex("00 00 0000 00000007")]],
  ] as const) {
    const packet = arrive(modules, frame({ ...six, extensions, payload: hex("68 75 73") }));
    mechanism.grow(packet, 1514, modules.destinations.of(packet, view), micros(0));
    t.equal(packet.wireLength, 1514);
    t.ok(passesIp(modules, packet) && passesOcs(modules, packet) && passesTracking(modules, packet));
    leave(modules, packet);
  }
});

test("an Ethernet trailer and tags: the surplus takes the trailer's place", async (t) => {
  const after = grown(frame({ payload: hex("01"), trailer: 17, tags: [5] }), 1518);
  t.equal(after.length, 1518);
  t.equal(ipv4.totalLength(over(after), 18), 1500);
  const packet = arrive(modules, after);
  t.ok(passesIp(modules, packet) && passesOcs(modules, packet) && passesTracking(modules, packet));
  leave(modules, packet);
});

test("of what a capture cut, the header grows", async (t) => {
  const packet = arrive(modules, frame({ payload: new Uint8Array(300) }), { cut: 100 });
  mechanism.grow(packet, 1514, modules.destinations.of(packet, view), micros(0));
  t.match(packet, { wireLength: 1514, length: 100, added: 1172 });
  t.equal(ipv4.totalLength(view, packet.network), 1500);
  t.equal(checksum.fold(checksum.sum(view, packet.network, ipv4.HEADER)), 0);
  leave(modules, packet);
});

test("left alone", async (t) => {
  const alone = (what: string, bytes: Uint8Array): void => {
    t.same(grown(bytes), bytes, what);
  };
  const bent = (shape: Shape, bend: (view: DataView) => void): Uint8Array => {
    const bytes = frame(shape);
    bend(over(bytes));
    return bytes;
  };
  alone("TCP", frame({ protocol: TCP }));
  alone(
    "a first fragment",
    bent({}, (v) => {
      ipv4.setFragment(v, 14, false, true, 0);
    }),
  );
  alone(
    "a later fragment",
    bent({}, (v) => {
      ipv4.setFragment(v, 14, false, false, 64);
    }),
  );
  alone("a fragment of IPv6", frame({ ...six, extensions: [[FRAGMENT, hex("00 00 0001 00000007")]] }));
  alone(
    "what has a surplus already",
    bent({}, (v) => {
      udp.setLength(v, 34, 10);
    }),
  );
  alone(
    "a datagram that says it is longer than its packet",
    bent({}, (v) => {
      udp.setLength(v, 34, 100);
    }),
  );
  alone(
    "a length of 0",
    bent({}, (v) => {
      udp.setLength(v, 34, 0);
    }),
  );
  alone(
    "what an authentication header seals",
    frame({ ...six, extensions: [[AUTHENTICATION, new Uint8Array(24).fill(4, 1, 2)]] }),
  );
});

test("only where the destination takes it", async (t) => {
  const packet = arrive(modules, frame());
  mechanism.grow(packet, 1514, -1, micros(0));
  t.equal(packet.added, 0);
  mechanism.grow(packet, 1514, modules.destinations.of(packet, view), micros(0));
  t.equal(packet.wireLength, 1514);
  t.equal(micros(0), packet.departAt);
  leave(modules, packet);
});
