// Frames through the packet ring and many times around it: node ring-round.js FAR NEAR SPARE (FAR and NEAR are the ends of one cable, SPARE is
// any other card; all without IPv6, so that nothing else is on them). Prints JSON: what came as it was sent, and what a ring keeps that nobody
// empties. Exit status 1 where a frame came changed, in another order or not at all, or a ring has not the slots that were asked for.
import { SeededRandom } from "../../src/random/seeded-random.js";
import { native } from "../../src/nic/native.js";
import { RingCards } from "../../src/nic/ring.js";
import { Pool } from "../../src/packet/pool.js";
import { micros } from "../../src/time/micros.js";

const [far = "", near = "", spare = ""] = process.argv.slice(2);
const MAC = 0x02005e300001;
const BATCH = 50;
const random = new SeededRandom("ring-round");

function open(inside: string, slots: number, macs: readonly number[]): { cards: RingCards; pool: Pool } {
  const pool = new Pool(512);
  const cards = new RingCards({ inside, outside: spare, slots, spin: 0 }, pool, macs, native().eventOpen());
  return { cards, pool };
}

const sender = open(far, 64, []);

/** Sends frames from the device, of any length that a card takes; the bytes of each. */
function send(count: number): Buffer[] {
  const frames = Array.from({ length: count }, () => {
    const packet = sender.pool.take();
    if (packet === null) throw new Error("the card does not drain");
    const length = 60 + (random.word() % 1455);
    const bytes = Buffer.alloc(length);
    for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE(random.word(), at);
    bytes.writeUIntBE(MAC, 6, 6);
    // For experiments (RFC 5342, B.2): no protocol takes it up, no 802.1Q.
    bytes.writeUInt16BE(0x88b5, 12);
    sender.pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = length;
    sender.cards.inside.send(packet);
    return bytes;
  });
  sender.cards.turn(micros(0));
  return frames;
}

/** Sends through a ring of that many slots, in batches; what of it went wrong. */
function around(slots: number, count: number): { slots: number; right: number; wrong: number } {
  const { cards, pool } = open(near, slots, [MAC]);
  let right = 0;
  let wrong = 0;
  for (let sent = 0; sent < count; sent += BATCH) {
    const expected = send(BATCH);
    const until = Date.now() + 20_000;
    while (expected.length > 0 && Date.now() < until) {
      cards.turn(micros(Number(process.hrtime.bigint() / 1_000n) + 100_000));
      for (let packet = cards.inside.receive(); packet !== null; packet = cards.inside.receive()) {
        const bytes = pool.bytes.subarray(packet.at, packet.at + packet.length);
        if (expected.shift()?.equals(bytes) === true) right++;
        else wrong++;
        pool.release(packet);
      }
    }
    wrong += expected.length;
  }
  cards.close();
  return { slots, right, wrong };
}

/** What a ring of that many slots keeps of more frames than it has room for, and what it says that it lost. */
function full(slots: number): { slots: number; kept: number; lost: number } {
  const { cards } = open(near, slots, [MAC]);
  for (let sent = 0; sent < 4 * slots; sent += BATCH) send(Math.min(BATCH, 4 * slots - sent));
  const kept = cards.discard();
  cards.close();
  return { slots, kept, lost: cards.inside.counters.dropped };
}

const answer = { rounds: [around(64, 5_000), around(2_048, 10_000)], full: [full(64), full(256)] };
sender.cards.close();
console.log(JSON.stringify(answer));
const good =
  answer.rounds.every(({ wrong }) => wrong === 0) &&
  answer.full.every(({ slots, kept, lost }) => kept === slots && lost === 3 * slots);
process.exitCode = good ? 0 : 1;
