import { test } from "tap";
import { UDP } from "../../../src/wire/protocol.js";
import * as carrier from "../../../src/tunnel/carrier.js";
import { dissect } from "../../../src/packet/dissect.js";
import { Pool } from "../../../src/packet/pool.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { frame } from "../../support/frame.js";

const ENDS = { source: ipv4.parse("100.64.0.2") ?? 0, destination: ipv4.parse("100.64.0.1") ?? 0 };
const BACK = { source: ENDS.destination, destination: ENDS.source };

function written(set: Partial<carrier.Header> = {}) {
  const view = new DataView(new ArrayBuffer(1500));
  carrier.write(view, 14, 1420, ENDS, Object.assign(new carrier.Header(), set));
  return view;
}

test("what is written is read", (t) => {
  const said = {
    flags: carrier.CONGESTED,
    level: 3,
    plan: 7,
    next: 2,
    episode: 65_535,
    waiting: 1000,
    slot: 2 ** 32 - 1,
  };
  const read = new carrier.Header();
  const view = written(said);
  t.ok(carrier.isCarrier(view, 14, 1434, BACK));
  t.ok(carrier.read(view, 14, read));
  t.match(read, { ...said, waiting: 1024 }, "bytes that wait are rounded up to units of 256");
  carrier.read(written({ next: -1, waiting: 1e9 }), 14, read);
  t.match(read, { next: -1, waiting: 65_535 * 256 }, "and there are no more than the field holds");
  t.end();
});

test("it is a well-formed UDP packet of its length", (t) => {
  const pool = new Pool(1);
  const packet = pool.packet(0);
  new Uint8Array(pool.buffer).set(new Uint8Array(written().buffer));
  ethernet.setType(pool.view, 0, ethernet.IPV4);
  packet.length = packet.wireLength = 14 + 1420;
  dissect(packet, pool.view);
  t.match(packet, { version: 4, protocol: UDP, sourcePort: carrier.PORT, destinationPort: carrier.PORT, end: 1434 });
  t.ok(ipv4.checksumValid(pool.view, 14));
  t.end();
});

test("no carrier: another port, other ends, too short, another version", (t) => {
  const read = new carrier.Header();
  t.notOk(carrier.isCarrier(written(), 14, 1434, ENDS), "our own");
  t.notOk(carrier.isCarrier(written(), 14, 14 + carrier.OVERHEAD - 1, BACK));
  const other = frame({ from: "100.64.0.2", to: "100.64.0.1", destinationPort: 53, payload: new Uint8Array(100) });
  t.notOk(carrier.isCarrier(new DataView(other.buffer), 14, other.length, BACK));
  t.notOk(carrier.read(written({ version: 2 }), 14, read));
  t.equal(read.version, 2);
  t.end();
});

test("inner packets are as long as they say, and end where one does not fit", (t) => {
  const view = new DataView(new ArrayBuffer(200));
  t.equal(carrier.innerBytes(view, 0, 200), 0, "zeros");
  view.setUint8(0, 0x45);
  view.setUint16(2, 60);
  t.equal(carrier.innerBytes(view, 0, 200), 60);
  t.equal(carrier.innerBytes(view, 0, 59), 0, "beyond the end");
  view.setUint16(2, 19);
  t.equal(carrier.innerBytes(view, 0, 200), 0, "shorter than its header");
  view.setUint8(0, 0x60);
  view.setUint16(4, 30);
  t.equal(carrier.innerBytes(view, 0, 200), 70, "IPv6");
  t.equal(carrier.innerBytes(view, 0, 39), 0);
  t.equal(carrier.innerBytes(view, 190, 200), 0, "no room for a header");
  t.end();
});
