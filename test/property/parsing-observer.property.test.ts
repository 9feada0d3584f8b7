import fc from "fast-check";
import { test } from "tap";
import { dissect } from "../../src/packet/dissect.js";
import { DOWN, Packet, UP } from "../../src/packet/packet.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros } from "../../src/time/micros.js";
import { Observer, type Vantage } from "../../src/trace/observer.js";
import { ParsingObserver } from "../../src/trace/parsing-observer.js";
import { Prefixes } from "../../src/wire/prefix.js";
import * as tcp from "../../src/wire/tcp.js";
import { over } from "../support/frame.js";
import { everyKind, Mutator, pick } from "../support/mutator.js";
import { segment } from "../support/tcp-segment.js";

const LOCAL = new Prefixes(["192.168.0.0/16", "224.0.0.0/4", "fe80::/10", "ff00::/8"]);
const ENDS = { source: "02:00:00:00:00:01", destination: "02:00:00:00:00:02", from: "192.0.2.1", to: "198.51.100.7" };

/** A packet of exactly these bytes: whatever is read outside them throws. */
function packetOf(bytes: Uint8Array, cut = bytes.length): { packet: Packet; view: DataView } {
  const packet = new Packet(0);
  const held = bytes.slice(0, cut);
  packet.length = held.length;
  packet.wireLength = bytes.length;
  dissect(packet, over(held));
  return { packet, view: over(held) };
}

test("of whatever frame, it reads nothing outside, and sees no more than who counts", async () => {
  const kinds = everyKind(ENDS, { ...ENDS, from: "2001:db8::1", to: "2001:db8::2" });
  const vantages: Vantage[] = ["lan", "wan", "beyond"];
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const random = new SeededRandom(seed, "frames");
      const mutator = new Mutator(random);
      const eyes = vantages.map((at) => ({ counts: new Observer(at, LOCAL), parses: new ParsingObserver(at, LOCAL) }));
      for (let i = 0; i < 300; i++) {
        const bytes = mutator.next(pick(random, kinds), pick(random, kinds));
        const { packet, view } = packetOf(bytes, pick(random, [bytes.length, bytes.length, 100, 60, 20]));
        const direction = pick(random, [UP, DOWN] as const);
        for (const { counts, parses } of eyes) {
          const seen = counts.observe(packet, view, direction, micros(i));
          const parsed = parses.observe(packet, view, direction, micros(i));
          if (parsed && !seen) throw new Error("it sees what nobody can");
          const { length } = parses.observation;
          if (parsed && !(length >= Math.min(bytes.length, 14) && length <= counts.observation.length))
            throw new Error(`${length} bytes of a frame of ${counts.observation.length}`);
        }
      }
    }),
    { numRuns: 100 },
  );
});

/** What a device does next on a connection: sends so many bytes, acknowledges so many, or hears so many acknowledged. */
const deed = fc.oneof(
  fc.record({ what: fc.constant("data" as const), bytes: fc.integer({ min: 1, max: 1460 }) }),
  fc.record({ what: fc.constant("ack" as const), bytes: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ what: fc.constant("heard" as const), bytes: fc.nat(5000) }),
);

test("a connection padded with any overlap reads as the one that was padded", async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.boolean(),
      fc.array(fc.tuple(deed, fc.nat(1460)), { maxLength: 60, size: "max" }),
      (start, six, deeds) => {
        const observer = new ParsingObserver("lan", LOCAL);
        const headers = six ? 74 : 54;
        let [next, heard, received] = [start + 1, start + 1, 9000];
        const see = (up: boolean, sequence: number, bytes: number, flags = tcp.ACK): number => {
          const acknowledgment = up ? received : heard;
          const payload = new Uint8Array(bytes);
          const { packet, view } = packetOf(segment({ up, sequence, acknowledgment, payload, six, flags }));
          if (!observer.observe(packet, view, up ? UP : DOWN, micros(0))) throw new Error("taken for a decoy");
          return observer.observation.length;
        };
        see(true, start, 0, tcp.SYN);
        for (const [{ what, bytes }, overlap] of deeds) {
          if (what === "heard") {
            heard = Math.min(heard + bytes, next);
            see(false, received, 0);
            continue;
          }
          if (what === "ack") received += bytes;
          const meant = what === "data" ? bytes : 0;
          const added = Math.min(overlap, 1460 - meant);
          const length = see(true, next - added, added + meant);
          next += meant;
          // Padding of one byte is taken for a keep-alive.
          const expected = headers + (meant === 0 && added === 1 ? 1 : meant);
          if (length !== expected) throw new Error(`${length} instead of ${expected}`);
        }
      },
    ),
  );
});
