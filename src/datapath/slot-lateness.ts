import { UP } from "../packet/packet.js";
import { Counters, SLOT_SUMS } from "./counters.js";
import { countLateness } from "./meter.js";

const [N, LATE, LATE2, LOAD, LOAD2, BOTH] = SLOT_SUMS.map((name) => Counters.index(`slot_${name}`)) as [
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Counts how much after its deadline a slot left, in µs, and how many bytes waited for slots before it. */
export function countSlot(values: Float64Array, late: number, load: number): void {
  countLateness(values, UP, late);
  values[N] = (values[N] ?? 0) + 1;
  values[LATE] = (values[LATE] ?? 0) + late;
  values[LATE2] = (values[LATE2] ?? 0) + late * late;
  values[LOAD] = (values[LOAD] ?? 0) + load;
  values[LOAD2] = (values[LOAD2] ?? 0) + load * load;
  values[BOTH] = (values[BOTH] ?? 0) + late * load;
}

/** Slots since the start, and how their lateness correlates (Pearson's r) with what waited; null where either never differed. */
export function slotLateness(counters: Counters): { readonly slots: number; readonly correlation: number | null } {
  const [n, late, late2, load, load2, both] = [N, LATE, LATE2, LOAD, LOAD2, BOTH].map(
    (i) => counters.values[i] ?? 0,
  ) as [number, number, number, number, number, number];
  const spread = (n * late2 - late * late) * (n * load2 - load * load);
  return { slots: n, correlation: spread > 0 ? (n * both - late * load) / Math.sqrt(spread) : null };
}
