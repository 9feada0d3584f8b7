import { test } from "tap";
import { Ipv6Options } from "../../../../src/defense/pad/ipv6-options.js";
import { micros } from "../../../../src/time/micros.js";
import * as checksum from "../../../../src/wire/checksum.js";
import * as icmpv6 from "../../../../src/wire/icmpv6.js";
import * as ipv6 from "../../../../src/wire/ipv6.js";
import { DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ICMPV6, TCP, UDP } from "../../../../src/wire/protocol.js";
import * as tcp from "../../../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { arrive, leave, passesIp } from "../../../support/grown.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const modules = mechanismModules();
const { view, bytes: slots } = modules.pool;
const mechanism = new Ipv6Options(modules);
const SIX: Shape = { from: "2001:db8::1", to: "2001:db8:1::2" };

/** The frame after the mechanism has seen it. */
function grown(bytes: Uint8Array, target = 1514, cut = bytes.length): Uint8Array {
  const packet = arrive(modules, bytes, { cut });
  mechanism.grow(packet, target, modules.destinations.of(packet, view), micros(0));
  return leave(modules, packet);
}

test("a header of options that hosts skip, right before the transport header", async (t) => {
  for (const shape of [
    { protocol: TCP, flags: tcp.SYN, payload: new Uint8Array(0) },
    { protocol: TCP, options: hex("01 01 08 0a 11111111 22222222"), payload: hex("68") },
    { protocol: UDP },
    { protocol: ICMPV6 },
  ]) {
    const before = frame({ ...SIX, ...shape });
    const packet = arrive(modules, before);
    const { transport, payload, end } = packet;
    mechanism.grow(packet, 1514, modules.destinations.of(packet, view), micros(0));
    const added = (1514 - before.length) & ~7;
    t.match(packet, { added, wireLength: before.length + added, length: before.length + added });
    t.same(
      [packet.transport, packet.payload, packet.end],
      [transport, payload, end].map((at) => at + added),
    );
    t.ok(passesIp(modules, packet));
    const { network, protocol } = packet;
    t.ok(checksum.transportValid(view, 6, network, protocol, packet.transport, packet.end), "the checksum stands");
    t.equal(ipv6.nextHeader(view, network), DESTINATION_OPTIONS);
    t.equal(view.getUint8(transport), shape.protocol);
    t.equal(ipv6.extensionLength(view, transport, DESTINATION_OPTIONS), added);
    let options = 0;
    let at = transport + 2;
    while (at < packet.transport) {
      t.equal(view.getUint8(at), 0x1e);
      const length = view.getUint8(at + 1);
      t.ok(slots.subarray(at + 2, at + 2 + length).every((byte) => byte === 0));
      at += 2 + length;
      options++;
    }
    t.equal(at, packet.transport, "options fill the header");
    t.ok(options <= 8);
    const after = leave(modules, packet);
    t.same(after.subarray(54 + added), before.subarray(54), "what follows is as it was");
    t.same(after.subarray(0, 18), before.subarray(0, 18));
    t.same(after.subarray(21, 54), before.subarray(21, 54));
  }
});

test("every size, in steps of 8 bytes", async (t) => {
  const before = frame({ ...SIX, protocol: TCP, payload: new Uint8Array(0) });
  for (let target = before.length - 1; target <= 1514; target++) {
    const packet = arrive(modules, grown(before, target));
    const added = target < before.length ? 0 : (target - before.length) & ~7;
    if (packet.length !== before.length + added) t.fail(`${packet.length} bytes for ${target}`);
    // The dissector walks the header that was put in, so it must find TCP where it was moved.
    if (packet.protocol !== TCP || packet.transport !== packet.network + 40 + added) t.fail(`lost TCP at ${target}`);
    let at = packet.network + 42;
    while (added > 0 && at < packet.transport) at += 2 + view.getUint8(at + 1);
    if (added > 0 && at !== packet.transport) t.fail(`options end at ${at} for ${target}`);
    leave(modules, packet);
  }
});

test("left alone: other headers, discovery, errors, fragments, IPv4, what a capture cut", async (t) => {
  const untouched = (bytes: Uint8Array, why: string, cut = bytes.length): void => {
    t.same(grown(bytes, 1514, cut), bytes.subarray(0, cut), why);
  };
  untouched(frame({ protocol: TCP }), "IPv4");
  for (const header of [HOP_BY_HOP, DESTINATION_OPTIONS])
    untouched(frame({ ...SIX, extensions: [[header, hex("00 00 01 04 00000000")]] }), `behind header ${header}`);
  untouched(frame({ ...SIX, extensions: [[FRAGMENT, hex("00 00 0001 00000001")]] }), "a fragment");
  untouched(frame({ ...SIX, extensions: [[FRAGMENT, hex("00 00 0000 00000001")]] }), "an atomic fragment");
  untouched(frame({ ...SIX, protocol: 50 }), "ESP");
  for (const type of [
    icmpv6.UNREACHABLE,
    icmpv6.LISTENER_QUERY,
    131,
    icmpv6.LISTENER_DONE,
    icmpv6.ROUTER_SOLICITATION,
    icmpv6.ROUTER_ADVERTISEMENT,
    icmpv6.NEIGHBOR_SOLICITATION,
    icmpv6.NEIGHBOR_ADVERTISEMENT,
    icmpv6.REDIRECT,
    icmpv6.LISTENER_REPORT_2,
  ]) {
    const bytes = frame({ ...SIX, protocol: ICMPV6 });
    over(bytes).setUint8(54, type);
    untouched(bytes, `ICMPv6 type ${type}`);
  }
  untouched(frame({ ...SIX, protocol: TCP, payload: new Uint8Array(500) }), "cut", 80);
});
