import { test, type Test } from "tap";
import { dissect } from "../../../src/packet/dissect.js";
import { Packet } from "../../../src/packet/packet.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import { frame, hex, over, type Shape } from "../../support/frame.js";

function dissected(bytes: Uint8Array, wireLength = bytes.length): Packet {
  const packet = new Packet(0);
  packet.length = bytes.length;
  packet.wireLength = wireLength;
  dissect(packet, over(bytes));
  return packet;
}

const offsets = (p: Packet): number[] => [p.network, p.transport, p.payload, p.end];

const shapes: [string, Shape, Partial<Packet>, number[]][] = [
  ["UDP over IPv4", {}, { version: 4, protocol: UDP, sourcePort: 40000, destinationPort: 443 }, [14, 34, 42, 46]],
  ["a trailer is not part of the packet", { trailer: 14 }, { version: 4, protocol: UDP }, [14, 34, 42, 46]],
  ["TCP with options", { protocol: TCP, options: hex("0204 05b4 0101 0402") }, { protocol: TCP }, [14, 34, 62, 66]],
  ["two tags", { tags: [7, 0xe008] }, { etherType: 0x0800, version: 4, sourcePort: 40000 }, [22, 42, 50, 54]],
  ["ICMP", { protocol: ICMP }, { version: 4, protocol: ICMP, sourcePort: 0 }, [14, 34, 42, 46]],
  ["protocol 59 means nothing in IPv4", { protocol: 59 }, { version: 4, protocol: 59 }, [14, 34, 34, 34 + 12]],
  [
    "ICMPv6",
    { from: "2001:db8::1", to: "2001:db8::2", protocol: ICMPV6 },
    { version: 6, protocol: ICMPV6, etherType: 0x86dd },
    [14, 54, 62, 66],
  ],
  [
    "hop-by-hop, destination options, AH, then TCP",
    {
      from: "fe80::1",
      to: "fe80::2",
      protocol: TCP,
      extensions: [
        [0, hex("0000 0502 0000 0100")],
        [60, hex("0001 0000 0000 0000 0000 0000 0000 0000")],
        [51, hex("0001 0000 0000 0000 0000 0000")],
      ],
    },
    { version: 6, protocol: TCP, fragment: false },
    [14, 90, 110, 114],
  ],
  [
    "an atomic fragment is whole",
    { from: "fe80::1", to: "fe80::2", extensions: [[44, hex("0000 0000 0000 0001")]] },
    { version: 6, protocol: UDP, fragment: false },
    [14, 62, 70, 74],
  ],
  [
    "a first fragment has ports",
    { from: "fe80::1", to: "fe80::2", extensions: [[44, hex("0000 0001 0000 0001")]] },
    { version: 6, protocol: UDP, fragment: true, sourcePort: 40000 },
    [14, 62, 70, 74],
  ],
  [
    "a later fragment has none",
    { from: "fe80::1", to: "fe80::2", extensions: [[44, hex("0000 0008 0000 0001")]] },
    { version: 6, protocol: -1, fragment: true, sourcePort: 0 },
    [14, 62, 62, 74],
  ],
  [
    "ESP hides what follows",
    { from: "fe80::1", to: "fe80::2", protocol: 50 },
    { version: 6, protocol: 50 },
    [14, 54, 54, 66],
  ],
  ["no next header", { from: "fe80::1", to: "fe80::2", protocol: 59 }, { version: 6, protocol: -1 }, [14, 54, 54, 66]],
];

for (const [name, shape, fields, places] of shapes) {
  void test(name, (t) => {
    const packet = dissected(frame(shape));
    t.match(packet, fields);
    t.same(offsets(packet), places);
    t.end();
  });
}

/** A frame with some bytes overwritten: [offset, value, …]. */
function bent(shape: Shape, ...changes: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = frame(shape);
  for (const [offset, value] of changes) bytes[offset] = value;
  return bytes;
}

const notIp: [string, Uint8Array][] = [
  ["an empty frame", new Uint8Array(0)],
  ["13 bytes", new Uint8Array(13)],
  ["ARP", hex("ffffffffffff 020000000001 0806 0001")],
  ["an IPv4 header one byte short", frame().subarray(0, 33)],
  ["IPv4 with version 5", bent({}, [14, 0x55])],
  ["IPv4 with a header of 16 bytes", bent({}, [14, 0x44])],
  ["IPv4 whose header is longer than the packet", bent({}, [14, 0x4f])],
  ["IPv4 longer than the frame", bent({}, [17, 33])],
  ["IPv4 of total length 0, as a segmenting card leaves it", bent({}, [17, 0])],
  ["an IPv6 header one byte short", frame({ from: "fe80::1", to: "fe80::2" }).subarray(0, 53)],
  ["IPv6 longer than the frame", bent({ from: "fe80::1", to: "fe80::2" }, [19, 13])],
  ["IPv6 of payload length 0 before UDP", bent({ from: "fe80::1", to: "fe80::2" }, [19, 0])],
];

for (const [name, bytes] of notIp) {
  void test(`not IP: ${name}`, (t) => {
    const packet = dissected(bytes);
    t.match(packet, { version: 0, protocol: -1, sourcePort: 0, destinationPort: 0, end: bytes.length });
    t.ok(packet.network <= bytes.length);
    t.end();
  });
}

const noTransport: [string, Uint8Array][] = [
  ["UDP header one byte short", bent({ payload: new Uint8Array(0) }, [17, 27])],
  ["TCP header of 16 bytes", bent({ protocol: TCP }, [46, 0x40])],
  ["TCP header longer than the packet", bent({ protocol: TCP }, [46, 0x70])],
  ["ICMP of 7 bytes", bent({ protocol: ICMP, payload: new Uint8Array(0) }, [17, 27])],
  ["later IPv4 fragment", bent({}, [20, 0], [21, 1])],
  [
    "extension header longer than the packet",
    bent({ from: "fe80::1", to: "fe80::2", extensions: [[60, hex("0000 0000 0000 0000")]] }, [55, 9]),
  ],
];

for (const [name, bytes] of noTransport) {
  void test(`no transport: ${name}`, (t) => {
    const packet = dissected(bytes);
    t.not(packet.version, 0);
    t.match(packet, { protocol: -1, sourcePort: 0, destinationPort: 0 });
    t.end();
  });
}

void test("what an earlier frame left in the packet is gone", (t: Test) => {
  const packet = new Packet(0);
  for (const bytes of [frame({ protocol: TCP }), hex("ffffffffffff 020000000001 0806 0001")]) {
    packet.length = packet.wireLength = bytes.length;
    dissect(packet, over(bytes));
  }
  t.match(packet, {
    version: 0,
    protocol: -1,
    sourcePort: 0,
    fragment: false,
    network: 14,
    transport: 14,
    payload: 14,
    end: 16,
  });
  t.end();
});

void test("a frame cut by a snap length is read as far as it goes", (t: Test) => {
  const whole = frame({ protocol: TCP, options: hex("0101 0101"), payload: new Uint8Array(1000) });
  const headers = dissected(whole.subarray(0, 60), whole.length);
  t.match(headers, { version: 4, protocol: TCP, sourcePort: 40000, transport: 34, payload: 58, end: 60 });
  const inOptions = dissected(whole.subarray(0, 56), whole.length);
  t.match(inOptions, { version: 4, protocol: TCP, sourcePort: 40000, transport: 34, payload: 34, end: 56 });
  const inTcp = dissected(whole.subarray(0, 53), whole.length);
  t.match(inTcp, { version: 4, protocol: -1, sourcePort: 0, end: 53 });
  t.equal(dissected(whole.subarray(0, 60)).version, 0, "without the true length it is malformed");
  t.end();
});
