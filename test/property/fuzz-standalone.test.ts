// Garbage under preset standalone: what is not understood passes, what is right stays right, and what is wrong is not made right.
import { test } from "tap";
import { DIRECTIONS } from "../../src/datapath/counters.js";
import { PRESETS } from "../../src/defense/presets.js";
import type { MemoryNic } from "../../src/nic/memory.js";
import { dissect } from "../../src/packet/dissect.js";
import { REAL } from "../../src/packet/packet.js";
import { Pool } from "../../src/packet/pool.js";
import { integer } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros } from "../../src/time/micros.js";
import { fold, sum, transportValid } from "../../src/wire/checksum.js";
import * as icmp from "../../src/wire/icmp.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import * as udp from "../../src/wire/udp.js";
import { Box, DEVICE, options, ROUTER } from "../support/box.js";
import { everyKind, Mutator, pick, reversed, type Ends } from "../support/mutator.js";

const FRAMES = 150_000;
const BATCH = 1_000;
const SEED = process.env["HUSHBOX_SEED"] ?? "1";
const MTU_FRAME = 1514;

const FOUR: Ends = { source: DEVICE, destination: ROUTER, from: "192.168.1.5", to: "198.51.100.7" };
const SIX: Ends = { source: DEVICE, destination: ROUTER, from: "2001:db8:5::5", to: "2001:db8::7" };

/** What a receiver makes of a frame's checksums. */
class Receiver {
  readonly counts: Record<string, number> = {};
  readonly #pool = new Pool(1);

  take(bytes: Uint8Array): void {
    const verdict = this.#judge(bytes);
    this.counts[verdict] = (this.counts[verdict] ?? 0) + 1;
  }

  #judge(bytes: Uint8Array): string {
    const { view } = this.#pool;
    const packet = this.#pool.packet(0);
    this.#pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = bytes.length;
    dissect(packet, view);
    const { version, network, transport, protocol, end, fragment } = packet;
    if (version === 0) return "no IP";
    const header = version === 6 || ipv4.checksumValid(view, network) ? "" : ", wrong header";
    if (fragment || ![TCP, UDP, ICMP, ICMPV6].includes(protocol)) return `IPv${String(version)}${header}`;
    if (protocol === UDP && transport + udp.length(view, transport) > end) return `impossible UDP${header}`;
    if (protocol === ICMP && !icmp.fits(transport, end)) return `short ICMP${header}`;
    const right =
      protocol === ICMP
        ? fold(sum(view, transport, end - transport)) === 0
        : transportValid(view, version, network, protocol, transport, end);
    return `${String(protocol)} ${right ? "right" : "wrong"}${header}`;
  }
}

test(`${String(FRAMES)} mutated frames with all of standalone, seed ${SEED}`, { timeout: 300_000 }, (t) => {
  const random = new SeededRandom(SEED, "fuzz standalone");
  const mutator = new Mutator(random);
  const { defenses, budget } = PRESETS.standalone;
  const box = new Box(options(defenses, budget), { seed: SEED, queue: 2048, slots: 4096 });
  const lists = [everyKind(FOUR, SIX), everyKind(reversed(FOUR), reversed(SIX))] as const;
  const came = [new Receiver(), new Receiver()] as const;
  const left = [new Receiver(), new Receiver()] as const;
  let longest = 0;
  let now = 0;

  const look = (nic: MemoryNic, direction: 0 | 1): void => {
    for (const { kind, bytes, pad } of nic.sent) {
      if (kind !== REAL) continue;
      left[direction].take(bytes.subarray(0, bytes.length - pad));
      if (pad > 0) longest = Math.max(longest, bytes.length);
    }
    nic.sent.length = 0;
  };

  for (let n = 0; n < FRAMES; n++) {
    now += integer(random, 0, 4_000);
    const direction = integer(random, 0, 1) as 0 | 1;
    const list = lists[direction];
    const bytes = mutator.next(pick(random, list), pick(random, list)).subarray(0, MTU_FRAME);
    (direction === 0 ? box.cards.inside : box.cards.outside).push(bytes, micros(now));
    came[direction].take(bytes);
    if (n % BATCH !== BATCH - 1) continue;
    box.run(micros(now));
    look(box.cards.outside, 0);
    look(box.cards.inside, 1);
  }
  box.drain();
  look(box.cards.outside, 0);
  look(box.cards.inside, 1);

  for (const i of [0, 1] as const) {
    const count = (name: string): number => box.count(`${DIRECTIONS[i]}.${name}`);
    const dropped = count("drop_oversize") + count("drop_queue-full") + count("drop_stopped");
    t.equal(count("packets_in"), count("packets_out") + count("swallowed_packets") + dropped, "all accounted for");
  }
  t.equal(box.count("up.drop_queue-full"), 0);
  t.same(left[0].counts, came[0].counts, "up: right checksums stay right, wrong ones wrong");
  for (const [verdict, n] of Object.entries(left[1].counts))
    t.ok(n <= (came[1].counts[verdict] ?? 0), `down: ${String(n)} with ${verdict}`);
  t.ok(longest <= MTU_FRAME);
  t.equal(box.pool.available, box.pool.capacity, "the pool is whole");
  t.end();
});
