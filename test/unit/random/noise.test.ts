import { test } from "tap";
import { noise } from "../../../src/random/noise.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";

test("noise fills exactly what it is asked to", async (t) => {
  for (const from of [0, 1, 7]) {
    for (const length of [0, 1, 2, 3, 4, 5, 64, 1401]) {
      const bytes = new Uint8Array(1500).fill(0xee);
      noise(new DataView(bytes.buffer), from, from + length, new SeededRandom(`${from} ${length}`));
      t.ok(bytes.subarray(0, from).every((byte) => byte === 0xee));
      t.ok(bytes.subarray(from + length).every((byte) => byte === 0xee));
      if (length > 60) t.ok(new Set(bytes.subarray(from, from + length)).size > 40);
    }
  }
});

test("noise: every bit of every byte is set half of the time, and no two fillings are alike", async (t) => {
  const random = new SeededRandom("noise");
  const counts = new Uint32Array(1400 * 8);
  const seen = new Set<string>();
  const bytes = new Uint8Array(1400);
  for (let run = 0; run < 400; run++) {
    noise(new DataView(bytes.buffer), 0, bytes.length, random);
    seen.add(Buffer.from(bytes.subarray(100, 108)).toString("hex"));
    for (let i = 0; i < counts.length; i++) counts[i] = (counts[i] ?? 0) + (((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
  }
  t.equal(seen.size, 400);
  // 200 ± 10 each; the lowest bit of the fourth draw alone is fixed, and does not show before it is mixed.
  t.ok(
    counts.every((count) => count > 140 && count < 260),
    `${Math.min(...counts)} to ${Math.max(...counts)} of 400`,
  );
});

test("noise: a generator that draws nothing but zeros still makes some", async (t) => {
  const bytes = new Uint8Array(400);
  noise(new DataView(bytes.buffer), 0, 400, { word: () => 0 });
  t.ok(new Set(bytes).size > 50);
});
