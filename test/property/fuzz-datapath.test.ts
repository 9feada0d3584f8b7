import { test } from "tap";
import { DIRECTIONS } from "../../src/datapath/counters.js";
import { integer, uniform } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros, millis } from "../../src/time/micros.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as icmp from "../../src/wire/icmp.js";
import * as icmpv6 from "../../src/wire/icmpv6.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { Prefixes } from "../../src/wire/prefix.js";
import { PRESETS } from "../../src/defense/presets.js";
import type { MemoryNic, SentFrame } from "../../src/nic/memory.js";
import { Box, DEVICE, LAN, options, ROUTER } from "../support/box.js";
import { over } from "../support/frame.js";
import { error, everyKind, Mutator, pick, reversed, type Ends } from "../support/mutator.js";

const FRAMES = 1_000_000;
const BATCH = 1_000;
const SEED = process.env["HUSHBOX_SEED"] ?? "1";

const FOUR: Ends = { source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: "198.51.100.7" };
const SIX: Ends = { source: DEVICE, destination: ROUTER, from: "fd77::5", to: "2001:db8::7" };
const LOCAL = new Prefixes(LAN);

/** Frames on their way, by a hash of their bytes: what leaves must have come. */
class Expected {
  readonly #counts = new Map<number, number>();
  size = 0;

  add(bytes: Uint8Array): void {
    const key = hash(bytes, bytes.length);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.size++;
  }

  /** False where no such frame came. */
  take(bytes: Uint8Array, length: number): boolean {
    const key = hash(bytes, length);
    const count = this.#counts.get(key) ?? 0;
    if (count === 0) return false;
    if (count === 1) this.#counts.delete(key);
    else this.#counts.set(key, count - 1);
    this.size--;
    return true;
  }
}

/** FNV-1a, and the length. */
function hash(bytes: Uint8Array, length: number): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < length; i++) h = Math.imul(h ^ (bytes[i] ?? 0), 0x01000193);
  return (h >>> 0) * 4096 + length;
}

/** What a host or router would send back on a decoy. */
function answer(decoy: Uint8Array, kind: number): Uint8Array {
  const view = over(decoy);
  const type = ethernet.type(view, 0);
  if (type !== ethernet.IPV4 && type !== ethernet.IPV6) return decoy;
  if (kind === 0) {
    const [ends, what] = type === ethernet.IPV4 ? [FOUR, icmp.TIME_EXCEEDED] : [SIX, icmpv6.TIME_EXCEEDED];
    return error(reversed(ends), what, decoy.slice(0, 120));
  }
  const back = decoy.slice();
  const [from, bytes] =
    type === ethernet.IPV4
      ? [ethernet.HEADER + ipv4.SOURCE, 4]
      : [ethernet.HEADER + ipv6.SOURCE, ipv6.DESTINATION - ipv6.SOURCE];
  const ports = from + 2 * bytes;
  for (const [a, b, n] of [
    [0, 6, 6],
    [from, from + bytes, bytes],
    [ports, ports + 2, 2],
  ] as const) {
    back.set(decoy.subarray(b, b + n), a);
    back.set(decoy.subarray(a, a + n), b);
  }
  return back;
}

/** Why a decoy should not have been sent, or null. */
function wrongDecoy({ bytes, pad }: SentFrame): string | null {
  const view = over(bytes);
  if (bytes.length < 1514) return `${bytes.length} bytes`;
  if (ethernet.source(view, 0) !== ethernet.parseMac(DEVICE)) return "not in the device's name";
  let network = ethernet.HEADER;
  while (ethernet.isTag(view.getUint16(network - 2))) network += ethernet.TAG;
  const end = bytes.length - pad;
  const type = view.getUint16(network - 2);
  if (type === ethernet.IPV4) {
    if (!ipv4.fits(view, network, end)) return "no IPv4 header";
    if (view.getUint8(network + 8) > PRESETS.paper.defenses.decoy.hops) return "a TTL that reaches a stranger";
    return LOCAL.has4(ipv4.destination(view, network)) ? "to the local network" : null;
  }
  if (type !== ethernet.IPV6 || !ipv6.fits(view, network, end)) return "no IP";
  if (view.getUint8(network + 7) > PRESETS.paper.defenses.decoy.hops) return "a hop limit that reaches a stranger";
  return LOCAL.has6(view, network + ipv6.DESTINATION) ? "to the local network" : null;
}

test(`${FRAMES} mutated frames with all of paper, seed ${SEED}`, { timeout: 300_000 }, (t) => {
  const random = new SeededRandom(SEED, "fuzz");
  const mutator = new Mutator(random);
  const { defenses, budget } = PRESETS.paper;
  // Windows are shorter and the wish for decoys is greater than a person would have it: more happens in a frame's time.
  const lively = options(
    {
      ...defenses,
      jitter: { ...defenses.jitter, window: millis(100), variance: 64 },
      decoy: { ...defenses.decoy, window: millis(100), variance: 64 },
    },
    { ...budget, packetsPerSecond: 2_000, bytesPerSecond: 1e9, share: 100, perMonth: 1e15 },
  );
  const box = new Box(lively, { seed: SEED, queue: 256, slots: 2048 });
  const up = everyKind(FOUR, SIX);
  const down = everyKind(reversed(FOUR), reversed(SIX));
  const expected = [new Expected(), new Expected()] as const;
  const partial = [0, 0];
  const strange = [0, 0];
  const decoys: Uint8Array[] = [];
  const wrong = new Map<string, number>();
  let now = 0;

  const look = (nic: MemoryNic, direction: 0 | 1): void => {
    for (const sent of nic.sent) {
      if (sent.kind === 1) {
        const what = wrongDecoy(sent);
        if (what !== null) wrong.set(what, (wrong.get(what) ?? 0) + 1);
        decoys[integer(random, 0, 63)] = sent.bytes;
      } else if (!expected[direction].take(sent.bytes, sent.bytes.length - sent.pad)) {
        strange[direction] = (strange[direction] ?? 0) + 1;
      }
    }
    nic.sent.length = 0;
  };

  for (let n = 0; n < FRAMES; n++) {
    now += integer(random, 0, 100);
    const direction = integer(random, 0, 1) as 0 | 1;
    const list = direction === 0 ? up : down;
    const decoy = direction === 1 && uniform(random) < 0.1 ? decoys[integer(random, 0, 63)] : undefined;
    const one = decoy === undefined ? pick(random, list) : answer(decoy, integer(random, 0, 1));
    const bytes = mutator.next(one, pick(random, list));
    const isPartial = uniform(random) < 0.05;
    if (isPartial) partial[direction] = (partial[direction] ?? 0) + 1;
    else expected[direction].add(bytes);
    (direction === 0 ? box.cards.inside : box.cards.outside).push(bytes, micros(now), bytes.length, isPartial);
    if (n % BATCH !== BATCH - 1) continue;
    box.run(micros(now));
    look(box.cards.outside, 0);
    look(box.cards.inside, 1);
    if (n % (50 * BATCH) === BATCH - 1) {
      // A person looks on, and turns a knob.
      box.datapath.flows(box.now);
      box.datapath.devices(box.now);
      box.datapath.apply({ ...lively, delayLocal: n % (100 * BATCH) === BATCH - 1 }, box.now);
    }
  }
  box.drain();
  look(box.cards.outside, 0);
  look(box.cards.inside, 1);

  const { inside, outside } = box.cards;
  for (const [i, arriving, leaving] of [
    [0, inside, outside],
    [1, outside, inside],
  ] as const) {
    const direction = DIRECTIONS[i];
    const count = (name: string): number => box.count(`${direction}.${name}`);
    const dropped = count("drop_oversize") + count("drop_queue-full") + count("drop_stopped");
    t.equal(arriving.counters.received, count("packets_in"), `${direction}: every frame was looked at`);
    t.equal(
      count("packets_in"),
      count("packets_out") + count("swallowed_packets") + dropped,
      `${direction}: every frame left, or was swallowed, or was dropped for a reason`,
    );
    t.equal(leaving.counters.sent + leaving.counters.refused, count("packets_out") + count("decoy_packets"));
    t.ok(
      (strange[i] ?? 0) <= (partial[i] ?? 0),
      `${direction}: nothing left that had not come: ${strange[i]} completed`,
    );
    t.equal(
      expected[i].size + (partial[i] ?? 0),
      count("swallowed_packets") + dropped + leaving.counters.refused + (strange[i] ?? 0),
      `${direction}: whatever is missing was counted as missing`,
    );
    t.ok(count("packets_out") > 0.4 * FRAMES, `${direction}: most passes`);
  }
  t.equal(inside.counters.received + outside.counters.received, FRAMES);
  t.equal(inside.counters.noSlot + outside.counters.noSlot, 0);
  t.same([...wrong], [], "no decoy that should not be");
  for (const kind of ["tcp", "udp", "icmp", "traceroute"]) t.ok(box.count(`decoys_${kind}`) > 100, `decoys: ${kind}`);
  t.ok(box.count("down.swallowed_packets") > 1_000, "answers to decoys were among the frames");
  t.equal(box.count("up.swallowed_packets"), 0);
  t.ok(box.count("up.drop_oversize") > 100 && box.count("checksums_completed") > 1_000);
  t.equal(box.datapath.held, 0);
  t.equal(box.pool.available, box.pool.capacity, "the pool is whole");
  t.end();
});
