import { test } from "tap";
import { SavedFields } from "../../../src/attack/saved-fields.js";
import { Scaler } from "../../../src/attack/scaler.js";
import { matrix } from "../../support/labelled.js";

test("mean 0 and population deviation 1", async (t) => {
  const scaler = Scaler.of(
    matrix([
      [1, 10],
      [3, 10],
      [5, 10],
    ]),
  );
  const { values } = scaler.scale(
    matrix([
      [3, 10],
      [5, 11],
    ]),
  );
  t.same([...values], [0, 0, 2 / Math.sqrt(8 / 3), 1]);
});

test("the last bits of a constant are not a deviation", async (t) => {
  const rows = Array.from({ length: 1000 }, (_, i) => [1400.1 + (i % 2) * 2.3e-13]);
  const { values } = Scaler.of(matrix(rows)).scale(matrix(rows));
  t.ok(values.every((value) => Math.abs(value) < 1e-9));
});

test("saved and loaded", async (t) => {
  const rows = matrix([
    [1, 2],
    [4, 7],
    [0.1, 0.2],
  ]);
  const scaler = Scaler.of(rows);
  const saved = { attack: "x", ...scaler.save() };
  const loaded = Scaler.load(new SavedFields(JSON.parse(JSON.stringify(saved)) as typeof saved, "x"), 2);
  t.same(loaded.scale(rows), scaler.scale(rows));
  const bad = new SavedFields({ ...saved, deviations: [0, 1] }, "x");
  t.throws(() => Scaler.load(bad, 2), { code: "model-invalid" });
});
