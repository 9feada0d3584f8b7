import { test } from "tap";
import { CoverSource } from "../../../src/defense/decoys/cover.js";
import { Tally } from "../../../src/defense/tally.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DECOY, DOWN, type Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import * as ipv6 from "../../../src/wire/ipv6.js";

function made(source: CoverSource, pool: Pool, size: number): Packet {
  const packet = pool.take();
  if (packet === null) throw new Error("the pool is empty");
  const bytes = source.prepare("udp", true, 2, size);
  source.make(packet, pool.view);
  dissect(packet, pool.view);
  if (packet.length !== bytes) throw new Error("another size than promised");
  return packet;
}

void test("a decoy inside a tunnel goes where it is sent, from where nobody is", (t) => {
  const pool = new Pool(4);
  const tally = Tally.alone();
  const four = new CoverSource({ source: "192.0.2.1", destination: "10.9.0.1" }, tally);
  const packet = made(four, pool, 100);
  t.equal(packet.kind, DECOY);
  t.equal(packet.length, 114);
  t.equal(packet.version, 4);
  t.equal(ipv4.format(ipv4.source(pool.view, packet.network)), "192.0.2.1");
  t.equal(ipv4.format(ipv4.destination(pool.view, packet.network)), "10.9.0.1");
  t.ok(ipv4.checksumValid(pool.view, packet.network));
  t.ok(ipv4.ttl(pool.view, packet.network) > 1, "for pace it leaves");
  const six = made(new CoverSource({ source: "100::1", destination: "fd00::1" }, tally), pool, 0);
  t.equal(six.version, 6);
  t.equal(ipv6.format(pool.view, six.network + ipv6.DESTINATION), "fd00::1");
  t.throws(() => new CoverSource({ source: "100::1", destination: "10.9.0.1" }, tally), { code: "config-invalid" });
  t.end();
});

void test("decoys of the far end are known, and so is its version", (t) => {
  const pool = new Pool(4);
  const tally = Tally.alone();
  const near = new CoverSource({ source: "10.1.1.1", destination: "10.9.0.1" }, tally);
  const packet = made(new CoverSource({ source: "192.0.2.1", destination: "10.9.0.2" }, tally), pool, 100);
  packet.direction = DOWN;
  t.ok(near.answers(packet, pool.view));
  pool.view.setUint32(packet.payload + 4, 99);
  t.ok(near.answers(packet, pool.view), "of another version, it is a decoy all the same");
  t.equal(tally.read("far_decoys"), 1);
  t.equal(tally.read("far_decoys_of_other_version"), 1);
  const real = made(new CoverSource({ source: "198.51.100.1", destination: "10.9.0.2" }, tally), pool, 100);
  t.notOk(near.answers(real, pool.view), "whatever comes from elsewhere is the device's");
  t.end();
});
