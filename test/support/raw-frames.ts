// Sends frames as they are given, in hexadecimal, one a line: node raw-frames.js INTERFACE OTHER. The ring takes two interfaces; nothing is
// sent on the other. Prints "ready", and after the last frame how many were sent.
import { createInterface } from "node:readline";
import { native } from "../../src/nic/native.js";
import { RingCards } from "../../src/nic/ring.js";
import { Pool } from "../../src/packet/pool.js";
import { micros } from "../../src/time/micros.js";
import { hex } from "./frame.js";

const [inside = "", outside = ""] = process.argv.slice(2);
const pool = new Pool(16);
const cards = new RingCards({ inside, outside, slots: 64, spin: 0 }, pool, [], native().eventOpen());
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const packet = pool.take();
  if (packet === null) throw new Error("the card does not drain");
  const bytes = hex(line);
  pool.bytes.set(bytes, packet.at);
  packet.length = packet.wireLength = bytes.length;
  cards.inside.send(packet);
  cards.turn(micros(0));
}
cards.inside.refresh();
console.log(JSON.stringify(cards.inside.counters.sent));
cards.close();
