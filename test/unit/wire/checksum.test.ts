import { test } from "tap";
import * as checksum from "../../../src/wire/checksum.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import { Prefixes, parsePrefix } from "../../../src/wire/prefix.js";
import { ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import { frame, hex, over, type Shape } from "../../support/frame.js";

test("the example of RFC 1071, section 3", async (t) => {
  const view = over(hex("0001 f203 f4f5 f6f7"));
  t.equal(checksum.fold(checksum.sum(view, 0, 8)), ~0xddf2 & 0xffff);
  t.equal(checksum.fold(0), 0xffff);
  t.equal(checksum.fold(0xffff), 0);
});

test("an odd last byte counts as the high half, and 64 KiB do not overflow", async (t) => {
  t.equal(checksum.fold(checksum.sum(over(hex("01")), 0, 1)), 0xfeff);
  const ones = over(new Uint8Array(65536).fill(0xff));
  t.equal(checksum.fold(checksum.sum(ones, 0, 65536)), 0);
  t.equal(checksum.fold(checksum.sum(ones, 0, 65535)), 0xff);
});

const six: Shape = { from: "2001:db8::1", to: "2001:db8::2" };
const routing = hex(`00 02 00 01 00000000 20010db8000000000000000000000099`);
/** Where the transport header starts. */
const shapes: [string, Shape, 4 | 6, number, number][] = [
  ["TCP over IPv4", { protocol: TCP, payload: new Uint8Array(7).fill(3) }, 4, TCP, 34],
  ["UDP over IPv4", { payload: new Uint8Array(8).fill(3) }, 4, UDP, 34],
  ["TCP over IPv6", { ...six, protocol: TCP }, 6, TCP, 54],
  ["UDP over IPv6", { ...six, payload: new Uint8Array(1) }, 6, UDP, 54],
  ["ICMPv6", { ...six, protocol: ICMPV6 }, 6, ICMPV6, 54],
  ["UDP behind a routing header with segments left", { ...six, extensions: [[43, routing]] }, 6, UDP, 78],
];

for (const [name, shape, version, protocol, transport] of shapes) {
  test(`completes and verifies: ${name}`, async (t) => {
    const bytes = frame(shape);
    const view = over(bytes);
    const end = bytes.length;
    const field = transport + checksum.fieldOffset(protocol);
    const right = view.getUint16(field);
    t.ok(checksum.transportValid(view, version, 14, protocol, transport, end));
    for (const before of [0, 0xffff, 0x1234, right]) {
      view.setUint16(field, before);
      t.ok(checksum.completeChecksum(view, version, 14, protocol, transport, end));
      t.equal(view.getUint16(field), right, "whatever stood there");
    }
    view.setUint8(end - 1, view.getUint8(end - 1) ^ 1);
    t.notOk(checksum.transportValid(view, version, 14, protocol, transport, end));
  });
}

test("by hand: the routing header's last address is in the sum", async (t) => {
  const view = over(frame({ ...six, extensions: [[43, routing]] }));
  const final = 14 + ipv6.HEADER + 8;
  const sum = checksum.pseudoHeader6(view, 14, UDP, 12, final);
  t.equal(checksum.fold(checksum.sum(view, 78, 12, sum)), 0);
  t.not(checksum.fold(checksum.sum(view, 78, 12, checksum.pseudoHeader6(view, 14, UDP, 12))), 0);
});

test("UDP: a sum of zero is sent as ones, and none at all is right over IPv4 only", async (t) => {
  const bytes = frame({ payload: new Uint8Array(2) });
  const view = over(bytes);
  // What the payload must be for the sum to come out as zero.
  view.setUint16(42, view.getUint16(40));
  checksum.completeChecksum(view, 4, 14, UDP, 34, 44);
  t.equal(view.getUint16(40), 0xffff);
  t.ok(checksum.transportValid(view, 4, 14, UDP, 34, 44));
  view.setUint16(40, 0);
  t.ok(checksum.transportValid(view, 4, 14, UDP, 34, 44));
  const over6 = over(frame(six));
  over6.setUint16(60, 0);
  t.notOk(checksum.transportValid(over6, 6, 14, UDP, 54, 66));
});

test("UDP: what the IP packet holds beyond the datagram does not count", async (t) => {
  const bytes = new Uint8Array(60);
  bytes.set(frame());
  const view = over(bytes);
  view.setUint16(16, 46);
  bytes.fill(0x77, 46);
  t.ok(checksum.transportValid(view, 4, 14, UDP, 34, 60));
});

test("nothing to complete: other protocols, headers that do not fit", async (t) => {
  const view = over(frame());
  t.notOk(checksum.completeChecksum(view, 4, 14, 1, 34, 46));
  t.notOk(checksum.completeChecksum(view, 4, 14, -1, 34, 46));
  t.notOk(checksum.completeChecksum(view, 4, 14, UDP, 34, 41));
  t.notOk(checksum.completeChecksum(view, 4, 14, TCP, 34, 46));
});

test("prefixes: a table", async (t) => {
  const local = new Prefixes(["192.168.0.0/16", "10.1.2.3", "fe80::/10", "2001:db8::1", "2001:db8:0:8000::/49"]);
  const table: [string, boolean][] = [
    ["192.168.0.0", true],
    ["192.168.255.255", true],
    ["192.169.0.0", false],
    ["10.1.2.3", true],
    ["10.1.2.2", false],
    ["febf:ffff::", true],
    ["fec0::", false],
    ["2001:db8::1", true],
    ["2001:db8::2", false],
    ["2001:db8:0:8000::", true],
    ["2001:db8:0:ffff::1", true],
    ["2001:db8:0:7fff::", false],
  ];
  for (const [address, expected] of table) {
    const prefix = parsePrefix(address);
    if (prefix === null) throw new Error(address);
    const view = over(prefix.bytes);
    t.equal(prefix.version === 4 ? local.has4(view.getUint32(0)) : local.has6(view, 0), expected, address);
  }
  t.ok(new Prefixes(["0.0.0.0/0"]).has4(0xffffffff));
  t.ok(new Prefixes(["::/0"]).has6(over(new Uint8Array(16).fill(0xff)), 0));
  t.notOk(new Prefixes([]).has4(0));
});

test("prefixes: what is none", async (t) => {
  for (const bad of [
    "",
    "/8",
    "192.168.0.0/33",
    "192.168.0.0/-1",
    "192.168.0.0/08",
    "10.0.0.0/8/8",
    "::/129",
    "fe80::%1/10",
    "lan",
  ]) {
    t.equal(parsePrefix(bad), null, bad);
    t.throws(() => new Prefixes([bad]), { code: "config-invalid" });
  }
});
