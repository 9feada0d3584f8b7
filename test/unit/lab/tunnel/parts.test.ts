import { test } from "tap";
import { FirstAudio } from "../../../../src/lab/tunnel/first-audio.js";
import { exchanged } from "../../../../src/lab/tunnel/equal-plans.js";
import { Handshakes } from "../../../../src/lab/tunnel/handshakes.js";
import { Cutter } from "../../../../src/lab/tunnel/pieces.js";
import { scheduleBound } from "../../../../src/lab/tunnel/schedule-bound.js";
import { Packet } from "../../../../src/packet/packet.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import type { Micros } from "../../../../src/time/micros.js";
import { TCP, UDP } from "../../../../src/wire/protocol.js";

test("the first audio is the first burst behind speech, once", (t) => {
  const audio = new FirstAudio();
  for (let i = 0; i < 60; i++) {
    audio.up(i * 50e3, 500);
    if (i % 4 === 0) audio.came(audio.down(i * 50e3 + 1, 52), 5e3);
  }
  for (let i = 0; i < 20; i++) audio.came(audio.down(3.1e6 + i * 1e3, 1480), 40e3 + i * 1e3);
  // The rest of the stream, much later than captured, is no first audio.
  for (let i = 0; i < 200; i++) audio.came(audio.down(4e6 + i * 10e3, 1480), 9e6);
  t.same(audio.delays(), [42e3], "the third packet completes 4 kB");
  t.same(new FirstAudio().delays(), []);
  t.end();
});

test("a download is no answer to its own acknowledgments", (t) => {
  const audio = new FirstAudio();
  for (let i = 0; i < 500; i++) {
    audio.up(i * 10e3, 52);
    audio.came(audio.down(i * 10e3 + 1, 1480), 1);
  }
  t.same(audio.delays(), []);
  t.end();
});

test("larger segments are cut as a smaller MSS would have, and bytes are kept", (t) => {
  const cutter = new Cutter(1380, 1316);
  const tcp = Object.assign(new Packet(0), { protocol: TCP, sourcePort: 1, destinationPort: 443 });
  t.match(cutter.cut(tcp, 1316), { count: 1, last: 1316 });
  // 10 times 1460 bytes are 11 segments of 1276, and 564 bytes that the next takes along.
  let pieces = 0;
  for (let i = 0; i < 10; i++) pieces += cutter.cut(tcp, 1500).count;
  t.equal(pieces, 11);
  t.match(cutter.cut(tcp, 140), { count: 1, last: 564 + 140 });
  t.match(cutter.cut(tcp, 140), { count: 1, last: 140 });
  t.match(cutter.cut(Object.assign(new Packet(0), { protocol: TCP, sourcePort: 2 }), 8000), {
    count: 6,
    each: 1316,
    last: 1316,
  });
  t.match(cutter.cut(Object.assign(new Packet(0), { protocol: UDP }), 1500), { count: 2, each: 1380, last: 160 });
  t.end();
});

test("a handshake every two minutes of sending, none by itself", (t) => {
  const handshakes = new Handshakes(new SeededRandom("h"), 0 as Micros);
  let due = 0;
  for (let at = 0; at < 1200e6; at += 1e6) if (handshakes.due(at as Micros)) due++;
  t.equal(due, 10);
  t.equal(handshakes.count, 10);
  t.end();
});

test("the bound is what the best rule from plans to classes gets", (t) => {
  const of = (own: number, ...plans: number[]) => ({ class: own, plans });
  t.equal(scheduleBound(2, []), null);
  t.equal(scheduleBound(2, [of(0, 1), of(1, 1)]), 0.5);
  t.equal(scheduleBound(2, [of(0, 1), of(1, 2)]), 1);
  t.equal(scheduleBound(2, [of(0, 1), of(0, 1), of(1, 1), of(1, 2)]), 0.75);
  t.equal(scheduleBound(2, [of(0, 1, 2), of(1, 2, 1)]), 1, "in their order");
  t.end();
});

test("traces of equal plans change places, with all that is seen of them and without their labels", (t) => {
  const rows = 40;
  const plans = Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? [1] : [2, 1]));
  const set = {
    classes: ["a", "b"],
    labels: Uint8Array.from(plans, (_, i) => (i < 20 ? 0 : 1)),
    groupNames: ["g"],
    groups: new Uint32Array(rows),
    traces: Uint32Array.from(plans, (_, i) => i),
    samples: { table: { rows, columns: 2, values: Float64Array.from(plans.flatMap((own, i) => [own.length, i])) } },
  };
  const schedules = plans.map((own, i) => ({ class: i < 20 ? 0 : 1, plans: own }));
  const { labels, groups, samples } = exchanged(set, schedules, new SeededRandom("1"));
  t.equal(labels, set.labels);
  t.equal(groups, set.groups);
  const values = samples.table?.values ?? new Float64Array(0);
  const column = (c: number): number[] => plans.map((_, i) => values[2 * i + c] ?? NaN);
  t.same(
    column(0),
    [...plans].map((own) => own.length),
    "what plans tell stays",
  );
  t.not(column(1).join(), [...plans.keys()].join());
  t.same(
    column(1).sort((a, b) => a - b),
    [...plans.keys()],
    "each is somewhere",
  );
  t.end();
});
