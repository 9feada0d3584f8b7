// Each protocol in turn, with bytes written by hand: reads, writes, rejects what is short, rejects lengths that cannot be, its oddities by name.
import { test } from "tap";
import * as arp from "../../../src/wire/arp.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as icmp from "../../../src/wire/icmp.js";
import * as icmpv6 from "../../../src/wire/icmpv6.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";
import * as list from "../../../src/wire/option-list.js";
import { AUTHENTICATION, FRAGMENT, ROUTING, TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import * as udp from "../../../src/wire/udp.js";
import { hex, over } from "../../support/frame.js";

/** A header in the middle of other bytes. */
const AT = 3;
function placed(bytes: Uint8Array): { view: DataView; end: number } {
  const around = new Uint8Array(AT + bytes.length + 4).fill(0xa5);
  around.set(bytes, AT);
  return { view: over(around), end: AT + bytes.length };
}

function text(view: DataView, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + AT, length).toString("hex");
}

const ETHERNET = hex("01005e0000fb 02aabbccddee 86dd");

test("ethernet: reads", async (t) => {
  const { view } = placed(ETHERNET);
  t.equal(ethernet.formatMac(ethernet.destination(view, AT)), "01:00:5e:00:00:fb");
  t.equal(ethernet.formatMac(ethernet.source(view, AT)), "02:aa:bb:cc:dd:ee");
  t.equal(ethernet.type(view, AT), ethernet.IPV6);
});

test("ethernet: writes", async (t) => {
  const { view } = placed(new Uint8Array(14));
  ethernet.setDestination(view, AT, 0x01005e0000fb);
  ethernet.setSource(view, AT, 0x02aabbccddee);
  ethernet.setType(view, AT, ethernet.IPV6);
  t.equal(text(view, 14), Buffer.from(ETHERNET).toString("hex"));
});

test("ethernet: rejects short", async (t) => {
  t.ok(ethernet.fits(AT, AT + 14));
  t.notOk(ethernet.fits(AT, AT + 13));
});

test("ethernet: tags, groups, and the largest address", async (t) => {
  t.same([0x8100, 0x88a8, 0x0800, 0x9100].map(ethernet.isTag), [true, true, false, false]);
  t.equal(ethernet.vlan(over(hex("8100 f123")), 0), 0x123, "priority and drop bits are not part of it");
  t.same([0x01005e0000fb, ethernet.BROADCAST, 0x02aabbccddee, 0].map(ethernet.isGroup), [true, true, false, false]);
  const view = over(new Uint8Array(6));
  ethernet.setMac(view, 0, ethernet.BROADCAST);
  t.equal(ethernet.mac(view, 0), 2 ** 48 - 1);
});

test("ethernet: addresses as text", async (t) => {
  t.equal(ethernet.parseMac("02:AA:bb:0c:00:01"), 0x02aabb0c0001);
  t.equal(ethernet.parseMac("02-aa-bb-0c-00-01"), 0x02aabb0c0001);
  t.equal(ethernet.formatMac(1), "00:00:00:00:00:01");
  for (const bad of [
    "",
    "02:aa:bb:0c:00",
    "02:aa:bb:0c:00:01:02",
    "2:aa:bb:0c:00:01",
    "02aabb0c0001",
    "0g:aa:bb:0c:00:01",
  ]) {
    t.equal(ethernet.parseMac(bad), null, bad);
  }
});

const ARP = hex("0001 0800 06 04 0002 02aabbccddee c0000201 020000000009 c0000202");

test("arp: reads", async (t) => {
  const { view, end } = placed(ARP);
  t.ok(arp.fits(view, AT, end));
  t.equal(arp.operation(view, AT), arp.REPLY);
  t.equal(arp.senderMac(view, AT), 0x02aabbccddee);
  t.equal(arp.senderAddress(view, AT), 0xc0000201);
  t.equal(arp.targetMac(view, AT), 0x020000000009);
  t.equal(arp.targetAddress(view, AT), 0xc0000202);
});

test("arp: writes", async (t) => {
  const { view, end } = placed(new Uint8Array(28));
  arp.setUp(view, AT);
  arp.setOperation(view, AT, arp.REPLY);
  arp.setSenderMac(view, AT, 0x02aabbccddee);
  arp.setSenderAddress(view, AT, 0xc0000201);
  arp.setTargetMac(view, AT, 0x020000000009);
  arp.setTargetAddress(view, AT, 0xc0000202);
  t.equal(text(view, 28), Buffer.from(ARP).toString("hex"));
  t.ok(arp.fits(view, AT, end));
});

test("arp: rejects short, and other networks", async (t) => {
  const { view, end } = placed(ARP);
  t.notOk(arp.fits(view, AT, end - 1));
  for (const [offset, value] of [
    [1, 6],
    [2, 0x86],
    [4, 8],
    [5, 16],
  ] as const) {
    const other = placed(ARP);
    other.view.setUint8(AT + offset, value);
    t.notOk(arp.fits(other.view, AT, end), `byte ${String(offset)}`);
  }
});

// Router alert and padding as options.
const IPV4 = hex("46 b8 0020 1234 4000 40 11 0000 c0000201 c6336407 94040000 00000000 00000000");

test("ipv4: reads", async (t) => {
  const { view, end } = placed(IPV4);
  t.ok(ipv4.fits(view, AT, end));
  t.equal(ipv4.version(view, AT), 4);
  t.equal(ipv4.headerLength(view, AT), 24);
  t.equal(ipv4.trafficClass(view, AT), 0xb8);
  t.equal(ipv4.totalLength(view, AT), 32);
  t.equal(ipv4.identification(view, AT), 0x1234);
  t.same([ipv4.dontFragment(view, AT), ipv4.moreFragments(view, AT), ipv4.isFragment(view, AT)], [true, false, false]);
  t.equal(ipv4.ttl(view, AT), 64);
  t.equal(ipv4.protocol(view, AT), UDP);
  t.equal(ipv4.source(view, AT), 0xc0000201);
  t.equal(ipv4.destination(view, AT), 0xc6336407);
  t.equal(ipv4.option(view, AT, ipv4.OPTION_ROUTER_ALERT), AT + 20);
  t.equal(ipv4.option(view, AT, 7), -1);
});

test("ipv4: writes", async (t) => {
  const { view } = placed(new Uint8Array(24));
  ipv4.setHeaderLength(view, AT, 24);
  ipv4.setTrafficClass(view, AT, 0xb8);
  ipv4.setTotalLength(view, AT, 32);
  ipv4.setIdentification(view, AT, 0x1234);
  ipv4.setFragment(view, AT, true, false, 0);
  ipv4.setTtl(view, AT, 64);
  ipv4.setProtocol(view, AT, UDP);
  ipv4.setSource(view, AT, 0xc0000201);
  ipv4.setDestination(view, AT, 0xc6336407);
  view.setUint32(AT + 20, 0x94040000);
  t.equal(text(view, 24), Buffer.from(IPV4.subarray(0, 24)).toString("hex"));
  ipv4.updateChecksum(view, AT);
  t.ok(ipv4.checksumValid(view, AT));
  view.setUint8(AT + 8, 63);
  t.notOk(ipv4.checksumValid(view, AT));
});

test("ipv4: the example of a checksum that everybody uses", async (t) => {
  const view = over(hex("45000073000040004011 0000 c0a80001c0a800c7"));
  ipv4.updateChecksum(view, 0);
  t.equal(ipv4.checksum(view, 0), 0xb861);
});

test("ipv4: rejects short, and lengths that cannot be", async (t) => {
  const { view } = placed(IPV4);
  for (let length = 0; length < 24; length++) t.notOk(ipv4.fits(view, AT, AT + length), `${String(length)} bytes`);
  t.ok(ipv4.fits(view, AT, AT + 24), "the packet may end later");
  const bent: [string, number, number][] = [
    ["version 6", 0, 0x66],
    ["a header of 16 bytes", 0, 0x44],
    ["a header beyond the end", 0, 0x4f],
    ["a total length below the header's", 3, 23],
    ["a total length of 0", 3, 0],
  ];
  for (const [name, offset, value] of bent) {
    const other = placed(IPV4);
    other.view.setUint8(AT + offset, value);
    t.notOk(ipv4.fits(other.view, AT, other.end), name);
  }
});

test("ipv4: fragments", async (t) => {
  const { view } = placed(IPV4);
  ipv4.setFragment(view, AT, false, true, 0);
  t.same([ipv4.dontFragment(view, AT), ipv4.moreFragments(view, AT), ipv4.isFragment(view, AT)], [false, true, true]);
  ipv4.setFragment(view, AT, false, false, 65528);
  t.same(
    [ipv4.moreFragments(view, AT), ipv4.fragmentOffset(view, AT), ipv4.isFragment(view, AT)],
    [false, 65528, true],
  );
  view.setUint16(AT + 6, 0x8000);
  t.notOk(ipv4.isFragment(view, AT), "the evil bit (RFC 3514) makes none");
});

test("ipv4: addresses as text", async (t) => {
  t.equal(ipv4.parse("255.255.255.255"), 0xffffffff);
  t.equal(ipv4.format(0xc0000201), "192.0.2.1");
  t.equal(ipv4.format(0), "0.0.0.0");
  for (const bad of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "1.2.3.",
    "1.2.3.4 ",
    "0x1.2.3.4",
    "-1.2.3.4",
  ]) {
    t.equal(ipv4.parse(bad), null, bad);
  }
});

const IPV6 = hex(
  "6 0f 12345 0008 11 40 20010db8000000000000000000000001 ff0200000000000000000000000000fb 1111111111111111",
);

test("ipv6: reads", async (t) => {
  const { view, end } = placed(IPV6);
  t.ok(ipv6.fits(view, AT, end));
  t.equal(ipv6.version(view, AT), 6);
  t.equal(ipv6.trafficClass(view, AT), 0x0f);
  t.equal(ipv6.flowLabel(view, AT), 0x12345);
  t.equal(ipv6.payloadLength(view, AT), 8);
  t.equal(ipv6.nextHeader(view, AT), UDP);
  t.equal(ipv6.hopLimit(view, AT), 64);
  t.equal(ipv6.format(view, AT + ipv6.SOURCE), "2001:db8::1");
  t.equal(ipv6.format(view, AT + ipv6.DESTINATION), "ff02::fb");
  t.same(
    [ipv6.SOURCE, ipv6.DESTINATION].map((at) => ipv6.isMulticast(view, AT + at)),
    [false, true],
  );
});

test("ipv6: writes", async (t) => {
  const { view } = placed(new Uint8Array(48).fill(0x11));
  const from = placed(IPV6).view;
  ipv6.setVersion(view, AT, 0x0f, 0x12345);
  ipv6.setPayloadLength(view, AT, 8);
  ipv6.setNextHeader(view, AT, UDP);
  ipv6.setHopLimit(view, AT, 64);
  for (const at of [ipv6.SOURCE, ipv6.DESTINATION]) {
    t.notOk(ipv6.equalAddress(view, AT + at, from, AT + at));
    ipv6.copyAddress(from, AT + at, view, AT + at);
    t.ok(ipv6.equalAddress(view, AT + at, from, AT + at));
  }
  t.equal(text(view, 48), Buffer.from(IPV6).toString("hex"));
  for (let i = 0; i < 16; i++) {
    const { view: other } = placed(IPV6);
    other.setUint8(AT + 8 + i, other.getUint8(AT + 8 + i) ^ 1);
    t.notOk(ipv6.equalAddress(view, AT + 8, other, AT + 8), `byte ${String(i)}`);
  }
});

test("ipv6: rejects short, and another version", async (t) => {
  const { view } = placed(IPV6);
  t.ok(ipv6.fits(view, AT, AT + 40), "the packet may end later");
  t.notOk(ipv6.fits(view, AT, AT + 39));
  view.setUint8(AT, 0x40);
  t.notOk(ipv6.fits(view, AT, AT + 48));
});

test("ipv6: extension headers count in units of their own", async (t) => {
  const view = over(hex("06 02"));
  t.equal(ipv6.extensionLength(view, 0, ROUTING), 24);
  t.equal(ipv6.extensionLength(view, 0, AUTHENTICATION), 16);
  t.equal(ipv6.extensionLength(view, 0, FRAGMENT), 8);
  const extensions = Array.from({ length: 256 }, (_, i) => i).filter(ipv6.isExtension);
  t.same(extensions, [0, 43, 44, 51, 60, 135, 139, 140], "ESP (50) and no next header (59) are the end");
});

test("ipv6: fragments", async (t) => {
  const view = over(hex("1100 0009 00000001 1100 0008 00000001"));
  t.same([ipv6.fragmentOffset(view, 0), ipv6.moreFragments(view, 0)], [8, true]);
  t.same([ipv6.fragmentOffset(view, 8), ipv6.moreFragments(view, 8)], [8, false]);
});

test("ipv6: a routing header keeps the final destination", async (t) => {
  const header = (kind: string, left: string): DataView => {
    const routing = `11 04 ${kind} ${left} 00000000 ${"aa".repeat(16)} ${"bb".repeat(16)}`;
    return over(hex(`60000000 0030 2b 40 ${"11".repeat(16)} ${"22".repeat(16)} ${routing} 0000`));
  };
  t.equal(ipv6.finalDestination(header("00", "00"), 0, 80), 24, "none left: the fixed header's");
  t.equal(ipv6.finalDestination(header("00", "01"), 0, 80), 64, "type 0: the last");
  t.equal(ipv6.finalDestination(header("04", "01"), 0, 80), 48, "segment routing: the first segment is the last stop");
  t.equal(ipv6.finalDestination(header("fd", "01"), 0, 80), 24, "an unknown type");
});

test("ipv6: addresses as text", async (t) => {
  const table: [string, string][] = [
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["0:0:1:0:0:0:0:0", "0:0:1::"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
    ["1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
  ];
  for (const [written, canonical] of table) {
    const bytes = ipv6.parse(written);
    t.equal(bytes === null ? null : ipv6.format(over(bytes), 0), canonical, written);
  }
  const bad = [
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "12345::",
    "g::",
    ":1::",
    "1::2:",
    "1:2:3:4:5:6:7::8",
  ];
  for (const text of [
    ...bad,
    "fe80::1%eth0",
    "::1.2.3",
    "1.2.3.4::",
    "1.2.3.4",
    "::192.0.2.1:1",
    "::256.0.0.1",
    "1:2:3:4:5:6:7:1.2.3.4",
  ]) {
    t.equal(ipv6.parse(text), null, text);
  }
});

const OPTIONS = "020405b4 0402 080a0000000100000002 01 030307 050a00000010 00000020 00";
const TCP_HEADER = hex(`9c40 01bb deadbeef 01020304 f0 c2 01f6 1234 0005 ${OPTIONS} 000000000000000000`);

test("tcp: reads", async (t) => {
  const { view, end } = placed(TCP_HEADER);
  t.ok(tcp.fits(view, AT, end));
  t.equal(tcp.sourcePort(view, AT), 40000);
  t.equal(tcp.destinationPort(view, AT), 443);
  t.equal(tcp.sequence(view, AT), 0xdeadbeef);
  t.equal(tcp.acknowledgment(view, AT), 0x01020304);
  t.equal(tcp.headerLength(view, AT), 60);
  t.equal(tcp.flags(view, AT), tcp.CWR | tcp.ECE | tcp.SYN);
  t.equal(tcp.window(view, AT), 502);
  t.equal(tcp.checksum(view, AT), 0x1234);
  t.equal(tcp.urgent(view, AT), 5);
  t.equal(tcp.mss(view, AT), 1460);
  t.equal(tcp.sackPermitted(view, AT), true);
  t.equal(tcp.windowScale(view, AT), 7);
  const stamps = tcp.timestamps(view, AT);
  t.same([tcp.timestampValue(view, stamps), tcp.timestampEcho(view, stamps)], [1, 2]);
  const sack = tcp.option(view, AT, tcp.OPTION_SACK);
  t.same([tcp.sackBlocks(view, AT), tcp.sackLeft(view, sack, 0), tcp.sackRight(view, sack, 0)], [1, 16, 32]);
});

test("tcp: writes", async (t) => {
  const { view } = placed(new Uint8Array(20));
  tcp.setSourcePort(view, AT, 40000);
  tcp.setDestinationPort(view, AT, 443);
  tcp.setSequence(view, AT, 0xdeadbeef);
  tcp.setAcknowledgment(view, AT, 0x01020304);
  tcp.setHeaderLength(view, AT, 60);
  tcp.setFlags(view, AT, tcp.CWR | tcp.ECE | tcp.SYN);
  tcp.setWindow(view, AT, 502);
  tcp.setChecksum(view, AT, 0x1234);
  tcp.setUrgent(view, AT, 5);
  t.equal(text(view, 20), Buffer.from(TCP_HEADER.subarray(0, 20)).toString("hex"));
});

test("tcp: rejects short, and lengths that cannot be", async (t) => {
  const { view, end } = placed(TCP_HEADER);
  t.notOk(tcp.fits(view, AT, AT + 19));
  t.notOk(tcp.fits(view, AT, end - 1));
  tcp.setHeaderLength(view, AT, 16);
  t.notOk(tcp.fits(view, AT, end));
});

test("tcp: options of a wrong length are not options", async (t) => {
  const header = (options: string): DataView =>
    over(hex(`9c4001bb 00000000 00000000 70 10 0000 0000 0000 ${options.replaceAll(" ", "").padEnd(16, "0")}`));
  t.equal(tcp.mss(header("0206 05b40000"), 0), -1);
  t.equal(tcp.mss(header("0204 05b4"), 0), 1460);
  t.equal(tcp.windowScale(header("0304 0700"), 0), -1);
  t.equal(tcp.windowScale(header("0303 0f"), 0), 14, "more than 14 counts as 14 (RFC 7323, 2.3)");
  t.equal(tcp.sackPermitted(header("0403 00"), 0), false);
  t.equal(tcp.timestamps(header("0808 000000000000"), 0), -1);
  t.equal(tcp.sackBlocks(header("0502"), 0), 0);
  t.equal(tcp.mss(header("00 0204 05b4"), 0), -1, "behind the end of the list");
  t.equal(tcp.mss(header("0101 0101 01 0204 05"), 0), -1, "beyond the header");
  t.equal(tcp.mss(header("fe00 0204 05b4"), 0), -1, "behind a length of 0");
  t.equal(tcp.mss(header("fe01 0204 05b4"), 0), -1, "behind a length of 1");
  t.equal(tcp.option(header("0101 01 fe 03 01 0101"), 0, 0xfe), 23);
});

test("an option list walked step by step", async (t) => {
  const view = over(hex("01 020405b4 01 080a 0000"));
  t.same(
    [list.next(view, 0, 10), list.next(view, 1, 10), list.next(view, 5, 10), list.next(view, 6, 10)],
    [1, 5, 6, -1],
  );
  t.equal(list.next(over(hex("01 00")), 1, 2), -1);
  t.equal(list.next(over(hex("01 01")), 1, 2), -1);
  t.equal(list.lengthOf(over(hex("02")), 0, 1), 0, "a kind without a length");
  t.equal(list.lengthOf(over(hex("02")), 1, 1), 0, "behind the end");
});

test("udp: reads, writes, rejects short, rejects impossible lengths", async (t) => {
  const { view, end } = placed(hex("1234 0035 000a abcd 0102"));
  t.ok(udp.fits(AT, end));
  t.same(
    [udp.sourcePort, udp.destinationPort, udp.length, udp.checksum].map((read) => read(view, AT)),
    [0x1234, 53, 10, 0xabcd],
  );
  t.ok(udp.lengthFits(view, AT, end));
  t.ok(udp.lengthFits(view, AT, end + 5), "a surplus area may follow (RFC 9868)");
  t.notOk(udp.lengthFits(view, AT, end - 1));
  t.notOk(udp.fits(AT, AT + 7));
  udp.setLength(view, AT, 7);
  t.notOk(udp.lengthFits(view, AT, end));
  udp.setSourcePort(view, AT, 1);
  udp.setDestinationPort(view, AT, 2);
  udp.setLength(view, AT, 8);
  udp.setChecksum(view, AT, 0xffff);
  t.equal(text(view, 8), "000100020008ffff");
});

test("icmp: reads, writes, rejects short", async (t) => {
  const { view, end } = placed(hex("08 00 0000 4242 0007 68757368"));
  icmp.updateChecksum(view, AT, end);
  t.same(
    [icmp.type, icmp.code, icmp.identifier, icmp.sequence].map((read) => read(view, AT)),
    [8, 0, 0x4242, 7],
  );
  t.equal(icmp.checksum(view, AT), 0xffff & ~(0x0800 + 0x4242 + 0x0007 + 0x6875 + 0x7368 - 0xffff));
  icmp.setType(view, AT, icmp.ECHO_REPLY);
  icmp.setCode(view, AT, 3);
  icmp.setIdentifier(view, AT, 0x1111);
  icmp.setSequence(view, AT, 0x2222);
  t.equal(text(view, 2), "0003");
  t.equal(icmp.nextHopMtu(view, AT), 0x2222);
  t.same([icmp.fits(AT, AT + 8), icmp.fits(AT, AT + 7)], [true, false]);
  t.equal(icmp.quoted(AT), AT + 8);
  t.same(Array.from({ length: 20 }, (_, i) => i).filter(icmp.isError), [3, 4, 5, 11, 12]);
});

test("icmpv6: reads, writes, rejects short", async (t) => {
  const { view } = placed(hex("80 01 abcd 4242 0007"));
  t.same(
    [icmpv6.type, icmpv6.code, icmpv6.checksum, icmpv6.identifier, icmpv6.sequence].map((read) => read(view, AT)),
    [128, 1, 0xabcd, 0x4242, 7],
  );
  t.equal(icmpv6.mtu(view, AT), 0x42420007);
  icmpv6.setType(view, AT, icmpv6.PACKET_TOO_BIG);
  icmpv6.setCode(view, AT, 0);
  icmpv6.setIdentifier(view, AT, 0);
  icmpv6.setSequence(view, AT, 1280);
  t.equal(text(view, 8), "0200abcd00000500");
  t.same([icmpv6.fits(AT, AT + 8), icmpv6.fits(AT, AT + 7)], [true, false]);
  t.equal(icmpv6.quoted(AT), AT + 8);
  t.same([1, 127, 128, 255].map(icmpv6.isError), [true, true, false, false]);
  t.same([132, 133, 137, 138].map(icmpv6.isNeighborDiscovery), [false, true, true, false]);
  t.equal(TCP, 6);
});
