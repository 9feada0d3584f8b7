import { test } from "tap";
import fc from "fast-check";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { add, before, distance } from "../../src/wire/sequence.js";
import * as tcp from "../../src/wire/tcp.js";
import { TcpBox } from "../support/tcp-box.js";
import { readSegment, sackOptions, segment, synOptions, type Read } from "../support/tcp-segment.js";

/** What a device and its path do next. `pick` chooses among what there is to choose from. */
interface Step {
  readonly act:
    "send" | "again" | "ack" | "up" | "drop up" | "double up" | "down" | "drop down" | "serve" | "fin" | "window";
  readonly pick: number;
  readonly size: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  act: fc.oneof(
    { weight: 8, arbitrary: fc.constant("send" as const) },
    { weight: 1, arbitrary: fc.constant("again" as const) },
    { weight: 5, arbitrary: fc.constant("ack" as const) },
    { weight: 14, arbitrary: fc.constant("up" as const) },
    { weight: 2, arbitrary: fc.constant("drop up" as const) },
    { weight: 1, arbitrary: fc.constant("double up" as const) },
    { weight: 14, arbitrary: fc.constant("down" as const) },
    { weight: 2, arbitrary: fc.constant("drop down" as const) },
    { weight: 4, arbitrary: fc.constant("serve" as const) },
    { weight: 1, arbitrary: fc.constant("fin" as const) },
    { weight: 1, arbitrary: fc.constant("window" as const) },
  ),
  // Mostly the oldest, so that things move on; else any: reordering.
  pick: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(20) }),
  size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1460 })),
});

/** Something on its way up: the frame as the box sent it, and what the device had sent. */
interface Rising {
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly again: boolean;
  readonly ack: boolean;
  padded: boolean;
  copies: number;
}

interface Falling {
  readonly bytes: Uint8Array;
  /** What of it a retransmission of the device has earned, or null. */
  readonly earned: readonly [number, number] | null;
  /** Some padded segment caused it. */
  readonly padded: boolean;
}

const drawn = new SeededRandom("stream");
const STREAM = Uint8Array.from({ length: 60_000 }, () => drawn.word() & 0xff);
const WINDOWS = [500, 400, 300, 0];

/** A device that sends a stream, a path that loses, doubles and reorders, and a receiver by the book (RFC 9293, 3.10.7.4; RFC 2018; RFC 2883). */
class Talk {
  readonly box: TcpBox;
  readonly stream = STREAM;
  readonly first: number;
  readonly serverFirst = 0xfffffc00;
  next: number;
  una: number;
  finAt = -1;
  rising: Rising[] = [];
  falling: Falling[] = [];
  /** The receiver's. */
  received: number;
  /** Sequence offsets from `first` that it holds beyond that. */
  held = new Set<number>();
  recent: number[] = [];
  serverNext: number;
  window = 500;
  /** The device's. */
  heard: number;
  readonly repeats: [number, number][] = [];
  paddedAcks = 0;
  swallowed = 0;
  mistaken = 0;

  constructor(start: number, sack: boolean) {
    this.box = new TcpBox();
    this.first = add(start, 1);
    this.next = this.una = this.received = this.first;
    this.serverNext = this.heard = add(this.serverFirst, 1);
    this.#rise({ sequence: start, flags: tcp.SYN, options: synOptions(1460, sack) }, start, start, false);
    this.rising = [];
    const answer = { up: false, sequence: this.serverFirst, acknowledgment: this.first, flags: tcp.SYN | tcp.ACK };
    this.box.send({ ...answer, options: synOptions(1460, sack), window: 600 });
    this.#rise({ sequence: this.first, acknowledgment: this.heard }, this.first, this.first, false);
    if (this.rising[0]?.padded === true) throw new Error("the third acknowledgment was padded");
    this.rising = [];
  }

  do({ act, pick, size }: Step): void {
    if (act === "send" && this.finAt === -1) this.#send(size);
    if (act === "fin" && this.finAt === -1) this.#fin();
    if (act === "again") this.#again(pick, size);
    if (act === "ack") this.#rise({ sequence: this.next, acknowledgment: this.heard }, this.next, this.next, false);
    if (act === "up" || act === "double up") {
      const at = pick % Math.max(this.rising.length, 1);
      const one = this.rising[at];
      if (one !== undefined) {
        if (act === "up") this.rising.splice(at, 1);
        this.arrive(one);
        one.copies++;
      }
    }
    if (act === "drop up") this.rising.splice(pick % Math.max(this.rising.length, 1), 1);
    if (act === "down") this.fall(pick);
    if (act === "drop down") this.falling.splice(pick % Math.max(this.falling.length, 1), 1);
    if (act === "serve") this.#serve(size);
    if (act === "window") this.window = WINDOWS[size % WINDOWS.length] ?? 0;
  }

  /** Everything that is lost is sent again until the receiver has all. */
  finish(): void {
    this.window = 500;
    for (let turn = 0; turn < 400; turn++) {
      while (this.rising.length > 0) {
        const one = this.rising.shift();
        if (one !== undefined) this.arrive(one);
      }
      while (this.falling.length > 0) this.fall(0);
      if (this.una === this.next) return;
      this.#resend(this.una, Math.min(distance(this.una, this.#dataEnd()), 1460));
    }
    throw new Error("does not come to an end");
  }

  #dataEnd(): number {
    return this.finAt === -1 ? this.next : this.finAt;
  }

  #bytes(from: number, length: number): Uint8Array {
    const at = distance(this.first, from);
    return this.stream.subarray(at, at + length);
  }

  #send(size: number): void {
    const length = Math.min(size, this.stream.length - distance(this.first, this.next));
    if (length <= 0 || distance(this.una, this.next) > 20_000) return;
    const from = this.next;
    this.next = add(from, length);
    this.#rise(
      { sequence: from, acknowledgment: this.heard, payload: this.#bytes(from, length) },
      from,
      this.next,
      false,
    );
  }

  #fin(): void {
    const from = this.next;
    this.finAt = from;
    this.next = add(from, 1);
    this.#rise({ sequence: from, acknowledgment: this.heard, flags: tcp.ACK | tcp.FIN }, from, this.next, false);
  }

  /** From somewhere in what is not acknowledged, or a little before it: a retransmission that need not be. */
  #again(pick: number, size: number): void {
    const low = distance(this.first, this.una) > 100 ? add(this.una, -100) : this.first;
    const span = distance(low, this.#dataEnd());
    if (span <= 0) return;
    const from = add(low, (pick * 97) % span);
    this.#resend(from, Math.min(size, distance(from, this.#dataEnd())));
  }

  #resend(from: number, length: number): void {
    const fin = this.finAt !== -1 && add(from, length) === this.finAt;
    const to = add(from, length + (fin ? 1 : 0));
    if (from === to) return;
    this.repeats.push([from, to]);
    const flags = tcp.ACK | (fin ? tcp.FIN : 0);
    this.#rise(
      { sequence: from, acknowledgment: this.heard, flags, payload: this.#bytes(from, length) },
      from,
      to,
      true,
    );
  }

  #rise(
    shape: { sequence: number; acknowledgment?: number; flags?: number; options?: Uint8Array; payload?: Uint8Array },
    from: number,
    to: number,
    again: boolean,
  ): void {
    const before = segment({ up: true, ...shape });
    const bytes = this.box.pass(before, true);
    if (bytes === null) throw new Error("swallowed on its way up");
    const padded = bytes.length > before.length;
    if (bytes.length > 1514) throw new Error("above the MTU");
    if (again && padded) throw new Error("a retransmission was padded");
    const ack = from === to;
    if (ack && padded) this.paddedAcks++;
    this.rising.push({ bytes, from, to, again, ack, padded, copies: 0 });
  }

  /** The receiver. */
  arrive(one: Rising): void {
    const got = readSegment(one.bytes);
    if (!got.valid) throw new Error("a checksum or length is wrong");
    const fin = (got.flags & tcp.FIN) !== 0;
    const from = got.sequence;
    const to = add(from, got.payload.length + (fin ? 1 : 0));
    if (to !== one.to) throw new Error("the end moved");
    if (from === to) return;
    // RFC 9293, 3.10.7.4: a part of it must lie in the window, or it is answered and dropped.
    let duplicate: [number, number] | null = null;
    let newest = -1;
    let s = from;
    if (before(from, this.received)) {
      s = before(to, this.received) ? to : this.received;
      duplicate = [from, s];
    }
    for (; s !== to; s = add(s, 1)) {
      const offset = distance(this.first, s);
      if (this.held.has(offset)) {
        if (duplicate === null) duplicate = [s, add(s, 1)];
        else if (duplicate[1] === s) duplicate[1] = add(s, 1);
        continue;
      }
      const byte = got.payload[distance(from, s)];
      const sent = s === this.finAt ? undefined : this.stream[offset];
      if (!before(s, this.next) || byte !== sent) throw new Error("a byte that the device did not send was taken");
      this.held.add(offset);
      newest = offset;
    }
    if (newest !== -1) this.recent.unshift(newest);
    while (this.held.delete(distance(this.first, this.received))) this.received = add(this.received, 1);
    // A duplicate that begins later in it is as likely there because padding had brought that part.
    const earned = duplicate !== null && one.again && one.copies === 0 && duplicate[0] === one.from;
    this.#answer(duplicate, one, earned);
  }

  #blocks(): [number, number][] {
    const blocks: [number, number][] = [];
    for (const offset of this.recent) {
      if (blocks.length === 3) break;
      if (!this.held.has(offset)) continue;
      let [left, right] = [offset, offset + 1];
      while (this.held.has(left - 1)) left--;
      while (this.held.has(right)) right++;
      const block: [number, number] = [add(this.first, left), add(this.first, right)];
      if (!blocks.some(([other]) => other === block[0])) blocks.push(block);
    }
    return blocks;
  }

  #answer(duplicate: [number, number] | null, one: Rising, earned: boolean): void {
    const blocks = this.#blocks();
    if (duplicate !== null && !before(this.received, duplicate[1])) blocks.unshift(duplicate);
    else if (duplicate !== null) {
      // RFC 2883, 4.2: the block that holds it comes behind it.
      const [left, right] = duplicate;
      const around = blocks.findIndex(([l, r]) => !before(left, l) && !before(r, right));
      if (around > 0) blocks.unshift(...blocks.splice(around, 1));
      if (around >= 0) blocks.unshift(duplicate);
    }
    const bytes = segment({
      up: false,
      sequence: this.serverNext,
      acknowledgment: this.received,
      window: this.window,
      options: blocks.length > 0 ? sackOptions(...blocks.slice(0, 4)) : new Uint8Array(0),
    });
    this.falling.push({ bytes, earned: earned ? duplicate : null, padded: one.padded });
  }

  #serve(size: number): void {
    const payload = new Uint8Array(Math.min(size, 600)).fill(7);
    const shape = { up: false, sequence: this.serverNext, acknowledgment: this.received, window: this.window, payload };
    this.falling.push({ bytes: segment(shape), earned: null, padded: false });
    this.serverNext = add(this.serverNext, payload.length);
  }

  /** The device hears. */
  fall(pick: number): void {
    const [one] = this.falling.splice(pick % Math.max(this.falling.length, 1), 1);
    if (one === undefined) return;
    const sent = readSegment(one.bytes);
    const out = this.box.pass(one.bytes, false);
    if (out === null) {
      this.swallowed++;
      if (one.earned !== null && --this.mistaken < 0) throw new Error("what the device earned was swallowed");
      if (this.swallowed > this.paddedAcks) throw new Error("more was swallowed than is owed");
      if (before(this.una, sent.acknowledgment)) throw new Error("news was swallowed");
      if (sent.sack.length > 1) throw new Error("a SACK block was swallowed");
      return;
    }
    const got = readSegment(out);
    if (!got.valid) throw new Error("a checksum is wrong on the way down");
    this.#compare(sent, got, one);
    if (before(this.una, got.acknowledgment)) this.una = got.acknowledgment;
    if (got.sequence === this.heard) this.heard = add(this.heard, got.payload.length);
  }

  #compare(sent: Read, got: Read, one: Falling): void {
    const same = JSON.stringify([sent.sequence, sent.acknowledgment, sent.flags, sent.window, [...sent.payload]]);
    if (same !== JSON.stringify([got.sequence, got.acknowledgment, got.flags, got.window, [...got.payload]]))
      throw new Error("more than a SACK option changed");
    const isDuplicate = ([left, right]: readonly [number, number], [second]: readonly (readonly [number, number])[]) =>
      !before(sent.acknowledgment, right) ||
      (second !== undefined && !before(left, second[0]) && !before(second[1], right));
    const [first, ...rest] = sent.sack;
    if (first === undefined || !isDuplicate(first, rest)) {
      if (JSON.stringify(got.sack) !== JSON.stringify(sent.sack)) throw new Error("a true SACK block changed");
      return;
    }
    const kept = got.sack.length === sent.sack.length;
    if (JSON.stringify(kept ? got.sack.slice(1) : got.sack) !== JSON.stringify(rest))
      throw new Error("a true SACK block changed");
    // Where padding starts where a retransmission did, either report may be taken for the one that was earned.
    if (one.earned !== null && !kept && this.repeats.length <= 32 && --this.mistaken < 0)
      throw new Error("what the device earned was stripped");
    if (kept && one.earned === null) {
      const [left] = got.sack[0] ?? [0];
      this.mistaken++;
      // What the path doubled is a true report.
      if (!one.padded) return;
      if (!this.repeats.some(([from, to]) => left === from || (!before(left, from) && before(left, to))))
        throw new Error("a report that nobody earned reached the device");
    }
  }
}

const NEAR_WRAPS = [
  0,
  1,
  0x7fffffff,
  0x80000000,
  0xffffffff,
  0x100000000 - 100,
  0x100000000 - 1500,
  0x100000000 - 3000,
  0x100000000 - 20_000,
];
const start = fc.oneof(
  fc.constantFrom(...NEAR_WRAPS),
  fc.nat(0xffffffff),
  fc.nat(40_000).map((n) => (0x100000000 - n) >>> 0),
  fc.nat(40_000).map((n) => 0x80000000 - n),
);

test("whatever is lost, doubled, reordered: the stream that a receiver by the book rebuilds is the one sent", async (t) => {
  let padded = 0;
  fc.assert(
    fc.property(
      start,
      fc.boolean(),
      fc.array(step, { minLength: 20, maxLength: 150, size: "max" }),
      (isn, sack, steps) => {
        const talk = new Talk(isn >>> 0, sack);
        for (const one of steps) talk.do(one);
        talk.finish();
        const read = (name: "padded_packets_tcpOverlap") => talk.box.modules.tally.read(name);
        padded += read("padded_packets_tcpOverlap");
        if (!sack && talk.paddedAcks > 0) throw new Error("an acknowledgment was padded without SACK");
        return talk.received === talk.next;
      },
    ),
    { numRuns: 400 },
  );
  t.ok(padded > 2000, `${padded} padded`);
});
