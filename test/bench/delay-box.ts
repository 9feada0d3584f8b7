// Holds every packet from the device for the same time, by the cards and the queue that hushbox uses:
// delay-box.js INSIDE OUTSIDE DEVICE_MAC MICROSECONDS     runs until it is killed
import { writeSync } from "node:fs";
import { native } from "../../src/nic/native.js";
import { RingCards } from "../../src/nic/ring.js";
import { Pool } from "../../src/packet/pool.js";
import { DepartureQueue } from "../../src/schedule/departure-queue.js";
import { after, later, micros } from "../../src/time/micros.js";
import { parseMac } from "../../src/wire/ethernet.js";

const [, , inside = "", outside = "", mac = "", hold = ""] = process.argv;
const held = micros(Number(hold));
const pool = new Pool(8192);
const queue = new DepartureQueue(4096, pool);
const options = { inside, outside, slots: 1024, spin: 60 };
const cards = new RingCards(options, pool, [parseMac(mac) ?? 0], native().eventOpen());
// The turn below blocks the thread: console.log would never get its line out.
writeSync(1, "ready\n");
let last = micros(0);
for (let next = micros(0); ; next = queue.nextAt()) {
  const now = cards.turn(next);
  for (let p = queue.popDue(now); p !== null; p = queue.popDue(now)) cards.outside.send(p);
  for (let p = cards.outside.receive(); p !== null; p = cards.outside.receive()) cards.inside.send(p);
  for (let p = cards.inside.receive(); p !== null; p = cards.inside.receive()) {
    // Stamps of frames that two CPUs took in need not be in order.
    p.departAt = last = later(last, after(p.arrivedAt, held));
    if (!queue.push(p)) pool.release(p);
  }
}
