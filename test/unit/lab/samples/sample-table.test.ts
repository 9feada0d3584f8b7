import { test } from "tap";
import { FeatureWindow } from "../../../../src/features/feature-window.js";
import { FEATURES } from "../../../../src/features/features.js";
import { SampleTable } from "../../../../src/lab/samples/sample-table.js";
import { DOWN, UP } from "../../../../src/packet/packet.js";
import { micros } from "../../../../src/time/micros.js";
import { Observation } from "../../../../src/trace/observation.js";
import { TCP } from "../../../../src/wire/protocol.js";

/** Packet `i` of a trace that begins at `start`. */
function packet(i: number, start = 0): Observation {
  const seen = new Observation();
  seen.at = micros(start + i * 1000);
  seen.direction = i % 3 === 0 ? UP : DOWN;
  seen.length = 60 + ((i * 37) % 1400);
  seen.version = 4;
  seen.protocol = TCP;
  seen.hasPorts = true;
  seen.sourcePort = 443;
  seen.destinationPort = 1000 + (i % 5);
  seen.rawWindow = seen.scaledWindow = 500 + i;
  return seen;
}

const BOTH = { cut: "packets", size: 10, direction: "both", field: "raw" } as const;

test("whole windows become rows in every form, and know their class, group and trace", (t) => {
  const table = new SampleTable({ windows: BOTH, forms: ["table", "fingerprint", "sequence"] });
  for (const [trace, packets] of [25, 9, 40].entries()) {
    for (let i = 0; i < packets; i++) table.seen(packet(i, trace * 1e6));
    table.end({ class: trace % 2, group: trace < 2 ? "monday" : "tuesday" });
  }
  const set = table.set(["media", "travel"]);
  t.same([...set.labels], [0, 0, 0, 0, 0, 0], "9 packets are no window, the rest of 25 neither");
  t.same(set.groupNames, ["monday", "tuesday"]);
  t.same([...set.groups], [0, 0, 1, 1, 1, 1]);
  t.same([...(set.traces ?? [])], [0, 0, 2, 2, 2, 2]);
  for (const form of ["table", "fingerprint", "sequence"] as const) {
    const { rows, columns, values } = set.samples[form] ?? { rows: 0, columns: 0, values: [] };
    t.equal(rows, 6, form);
    t.equal(columns, table.columns(form).length);
    t.equal(values.length, rows * columns);
  }
  const window = new FeatureWindow();
  for (let i = 10; i < 20; i++) window.add(packet(i, 2e6));
  const row = new Float64Array(FEATURES.length);
  window.write(row);
  t.same(
    [...(set.samples.table?.values.slice(3 * 12, 4 * 12) ?? [])],
    [...row],
    "a window does not see the one before",
  );
  t.same(
    [...(set.samples.sequence?.values.slice(30, 40) ?? [])],
    Array.from({ length: 10 }, (_, i) => (i + 10 < 20 ? packet(i + 10).length * ((i + 10) % 3 === 0 ? 1 : -1) : 0)),
  );
  t.end();
});

test("a trace is one row, whatever its length; one direction alone", (t) => {
  const windows = { cut: "trace", size: 0, direction: "up", field: "raw" } as const;
  const table = new SampleTable({ windows, forms: ["table", "sequence"] });
  for (const packets of [4, 7]) {
    for (let i = 0; i < packets; i++) table.seen(packet(i));
    table.end({ class: 0, group: String(packets) });
  }
  const set = table.set(["only"]);
  t.equal(set.samples.table?.rows, 2);
  const tcp = FEATURES.indexOf("n_pack_tcp");
  t.same([set.samples.table?.values[tcp], set.samples.table?.values[12 + tcp]], [2, 3]);
  t.same([...(set.samples.sequence?.values.slice(1000, 1004) ?? [])], [0, 3, 6].map((i) => packet(i).length).concat(0));
  t.end();
});
