import { test } from "tap";
import { TcpHistory } from "../../../../src/defense/pad/tcp-history.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";

const stream = (from: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >> 8)) & 0xff);

function history(capacity = 4): TcpHistory {
  return new TcpHistory(16, capacity, new SeededRandom("history"));
}

function before(kept: TcpHistory, place: number, sequence: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  kept.copyBefore(place, sequence, length, bytes, 0);
  return bytes;
}

function append(kept: TcpHistory, place: number, sequence: number, bytes: Uint8Array): void {
  kept.append(place, sequence, bytes.length, bytes, 0, bytes.length);
}

for (const start of [0, 1000, 0x7ffffc00, 0xfffffc00]) {
  test(`repeats what was sent last, from ${start} on`, async (t) => {
    const kept = history();
    const place = kept.take(3, 1);
    kept.begin(place, start);
    t.equal(kept.bytesBefore(place, start), 0);
    for (let sent = 0; sent < 6000; sent += 500) {
      append(kept, place, (start + sent) >>> 0, stream(sent, 500));
      const end = (start + sent + 500) >>> 0;
      t.equal(kept.end(place), end);
      const known = Math.min(sent + 500, 2048);
      t.equal(kept.bytesBefore(place, end), known);
      t.same(before(kept, place, end, known), stream(sent + 500 - known, known));
    }
    t.same(before(kept, place, (start + 5900) >>> 0, 100), stream(5800, 100), "before a retransmission too");
  });
}

test("takes the new part of a retransmission, and all behind a gap", async (t) => {
  const kept = history();
  const place = kept.take(3, 1);
  kept.begin(place, 100);
  append(kept, place, 100, stream(100, 50));
  append(kept, place, 100, new Uint8Array(50));
  append(kept, place, 120, stream(120, 60));
  t.same(before(kept, place, 180, 80), stream(100, 80));
  append(kept, place, 200, stream(200, 10));
  t.equal(kept.base(place), 200);
  t.equal(kept.bytesBefore(place, 210), 10);
  t.equal(kept.bytesBefore(place, 190), 0, "what filled the gap is not known");
  append(kept, place, 180, stream(180, 20));
  t.equal(kept.bytesBefore(place, 205), 5);
});

test("nothing of another flow is repeated; unknown bytes are the same each time", async (t) => {
  const kept = history(1);
  const place = kept.take(3, 1);
  kept.begin(place, 0);
  append(kept, place, 0, new Uint8Array(2048).fill(0xaa));
  t.equal(kept.take(4, 1), place, "the only place");
  kept.begin(place, 5000);
  const filler = before(kept, place, 5000, 2000);
  t.ok(filler.filter((byte) => byte === 0xaa).length < 40);
  t.same(before(kept, place, 5000, 2000), filler);
  t.equal(kept.find(3, 1), -1, "the flow that made room");
  t.equal(kept.find(4, 1), place);
  t.equal(kept.find(4, 2), -1, "another flow under its number");
});

test("the flow not used for longest makes room; one has one place", async (t) => {
  const kept = history(2);
  const first = kept.take(1, 1);
  const second = kept.take(2, 1);
  kept.use(first);
  t.equal(kept.take(3, 1), second);
  t.equal(kept.find(1, 1), first);
  t.equal(kept.find(2, 1), -1);
  t.equal(kept.take(1, 2), first, "a new flow under an old number keeps the place");
});

test("what a capture cut off reads as zeros", async (t) => {
  const kept = history();
  const place = kept.take(3, 1);
  kept.begin(place, 0);
  kept.append(place, 0, 100, stream(0, 10), 0, 10);
  t.same(before(kept, place, 100, 100), Uint8Array.from([...stream(0, 10), ...new Uint8Array(90)]));
});
