import { test } from "tap";
import { MemoryCards } from "../../../src/nic/memory.js";
import { DECOY } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { micros, NEVER } from "../../../src/time/micros.js";
import { frame } from "../../support/frame.js";

void test("a turn jumps to the next arrival or to the deadline", (t) => {
  const cards = new MemoryCards({ start: micros(100) }, { pool: new Pool(4) });
  cards.inside.push(frame(), micros(150));
  cards.outside.push(frame(), micros(140));
  t.equal(cards.turn(micros(120)), 120);
  t.equal(cards.inside.receive(), null);
  t.equal(cards.turn(NEVER), 140);
  t.equal(cards.turn(NEVER), 140, "while a frame waits, time stands");
  t.equal(cards.inside.receive(), null);
  t.equal(cards.outside.receive()?.arrivedAt, 140);
  t.equal(cards.turn(micros(130)), 140, "never back");
  t.equal(cards.turn(NEVER), 150);
  t.ok(cards.inside.receive());
  t.ok(cards.exhausted);
  t.equal(cards.turn(NEVER), 150, "nothing left: time stays");
  t.end();
});

void test("what is sent leaves at the next turn, padded, and its slot comes back", (t) => {
  const pool = new Pool(1);
  const cards = new MemoryCards({}, { pool });
  const bytes = frame({ trailer: 2 });
  cards.inside.push(bytes, micros(5));
  cards.turn(NEVER);
  const packet = cards.inside.receive();
  if (packet === null) throw new Error("no packet");
  t.match(packet, { length: bytes.length, wireLength: bytes.length, partialChecksum: false });
  packet.pad = 10;
  packet.kind = DECOY;
  cards.outside.send(packet);
  t.equal(pool.available, 0);
  cards.turn(micros(9));
  t.equal(pool.available, 1);
  t.equal(cards.outside.sent.length, 1);
  const [sent] = cards.outside.sent;
  t.match(sent, { at: 5, pad: 10, kind: DECOY });
  t.same([...(sent?.bytes ?? [])], [...bytes, ...new Array<number>(10).fill(0)]);
  t.match(cards.outside.counters, { sent: 1, refused: 0 });
  t.end();
});

void test("counts what finds no slot, is too long, or meets an interface that is down", (t) => {
  const pool = new Pool(1);
  const cards = new MemoryCards({ mtu: 100 }, { pool });
  for (let i = 0; i < 2; i++) cards.inside.push(new Uint8Array(115), micros(0), 9000, i === 0);
  cards.turn(NEVER);
  const packet = cards.inside.receive();
  if (packet === null) throw new Error("no packet");
  t.match(packet, { length: 115, wireLength: 9000, partialChecksum: true });
  t.equal(cards.inside.receive(), null);
  t.match(cards.inside.counters, { received: 1, noSlot: 1, oversize: 1, partialChecksum: 1 });
  cards.outside.send(packet);
  cards.turn(NEVER);
  t.match(cards.outside.counters, { sent: 0, refused: 1 });
  t.equal(pool.available, 1, "a refused packet is freed too");

  cards.outside.setUp(false);
  t.equal(cards.outside.up, false);
  cards.outside.push(frame(), micros(1));
  cards.turn(NEVER);
  t.equal(cards.outside.receive(), null);
  const other = pool.take();
  if (other === null) throw new Error("no packet");
  other.length = 60;
  cards.outside.send(other);
  cards.turn(NEVER);
  t.match(cards.outside.counters, { sent: 0, refused: 2, downs: 1, received: 0 });
  cards.close();
  t.equal(pool.available, 1);
  t.end();
});

void test("a tag does not count towards the MTU", (t) => {
  const pool = new Pool(1);
  const cards = new MemoryCards({ mtu: 32 }, { pool });
  cards.inside.push(frame({ tags: [3] }), micros(0));
  cards.turn(NEVER);
  const packet = cards.inside.receive();
  if (packet === null) throw new Error("no packet");
  t.equal(cards.inside.counters.oversize, 0);
  cards.outside.send(packet);
  cards.turn(NEVER);
  t.equal(cards.outside.counters.sent, 1);
  t.end();
});

void test("frames that come out of order are a mistake of the test", (t) => {
  const cards = new MemoryCards({}, { pool: new Pool(1) });
  cards.inside.push(frame(), micros(5));
  t.throws(() => {
    cards.inside.push(frame(), micros(4));
  }, RangeError);
  t.end();
});
