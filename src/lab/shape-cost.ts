import type { CaptureCost } from "../leakage/defense-cost.js";
import type { ShapeReport } from "./shape.js";

/** What shaping one capture cost. */
export function shapeCost(report: ShapeReport): CaptureCost {
  const { up, down } = report.in;
  return {
    before: { up: { ...up }, down: { ...down } },
    after: { up: { ...report.out.up }, down: { ...report.out.down } },
    added_delay_ms: report.added_delay_ms,
  };
}
