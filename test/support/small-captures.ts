import { makePlan, only } from "../../src/emulator/make-plan.js";
import type { Activity } from "../../src/emulator/plan.js";
import { writeCapture } from "../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { seconds } from "../../src/time/micros.js";

/** The speaker of small captures. */
export const SPEAKER = TOPOLOGY.speaker.mac;

/** Writes some seconds of the emulated speaker; answers the packets. */
export function smallCapture(path: string, activity: Activity = "idle", seed = "1", length = 12): number {
  const plan = makePlan({ seed, duration: seconds(length), mixture: only(activity), scale: 1 });
  return writeCapture(plan, path).packets;
}
