// A path that is bad on purpose, both ways, by the cards and the queue that hushbox uses; the kernel need not have netem:
// bad-path-box.js INSIDE OUTSIDE MAC SEED UP DOWN [MANNER]     runs until it is killed
// MAC: whose packets go up. UP, DOWN: {"delay", "loss", "reorder"} as JSON, see bad-path.ts. MANNER: see hostile-manners.ts.
import { writeSync } from "node:fs";
import { native } from "../../src/nic/native.js";
import { RingCards } from "../../src/nic/ring.js";
import { dissect } from "../../src/packet/dissect.js";
import type { Packet } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { DepartureQueue } from "../../src/schedule/departure-queue.js";
import { micros } from "../../src/time/micros.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { BadPath, LOST, type BadPathOptions } from "./bad-path.js";
import { MANNERS, type MannerName } from "./hostile-manners.js";

const [, , inside = "", outside = "", mac = "", seed = "", up = "", down = "", name = "none"] = process.argv;
const manner = MANNERS[name as MannerName]();
const pool = new Pool(16_384);
const [upward, downward] = [new DepartureQueue(6144, pool), new DepartureQueue(6144, pool)];
const path = (options: string, stream: string): BadPath =>
  new BadPath(JSON.parse(options) as BadPathOptions, new SeededRandom(seed, stream));
const [upPath, downPath] = [path(up, "up"), path(down, "down")];
const cards = new RingCards(
  { inside, outside, slots: 4096, spin: 0 },
  pool,
  [parseMac(mac) ?? 0],
  native().eventOpen(),
);

function take(p: Packet, by: BadPath, queue: DepartureQueue): void {
  p.departAt = by.leaves(p.arrivedAt);
  if (p.departAt === LOST || !queue.push(p)) pool.release(p);
}

// The turn below blocks the thread: console.log would never get its line out.
writeSync(1, "ready\n");
for (let next = micros(0); ; next = micros(Math.min(upward.nextAt(), downward.nextAt()))) {
  const now = cards.turn(next);
  for (let p = cards.outside.receive(); p !== null; p = cards.outside.receive()) take(p, downPath, downward);
  for (let p = cards.inside.receive(); p !== null; p = cards.inside.receive()) {
    dissect(p, pool.view);
    if (manner(p, pool.view)) take(p, upPath, upward);
    else pool.release(p);
  }
  while (cards.outside.room > 0) {
    const p = upward.popDue(now);
    if (p === null) break;
    cards.outside.send(p);
  }
  while (cards.inside.room > 0) {
    const p = downward.popDue(now);
    if (p === null) break;
    cards.inside.send(p);
  }
}
