import { HushboxError } from "../../errors/hushbox-error.js";
import { Dataset } from "./dataset.js";
import { inspectCapture } from "./inspect-capture.js";

/** What the entries of a label hold. */
export interface LabelVolume {
  entries: number;
  groups: number;
  packets: number;
  bytes: number;
  seconds: number;
}

/** What a set holds. */
export interface CheckReport {
  readonly name: string;
  readonly real: boolean;
  readonly tasks: readonly string[];
  readonly labels: Readonly<Record<string, LabelVolume>>;
}

/**
 * Reads every capture of a set from start to end. Throws `dataset-invalid` with a line for each that is cut off, no capture, empty or without
 * its device, and as Dataset.open does.
 */
export function checkDataset(manifest: string, progress?: (done: number, all: number) => void): CheckReport {
  const set = Dataset.open(manifest);
  const labels: Record<string, LabelVolume> = {};
  const groups = new Set<string>();
  const bad: string[] = [];
  set.entries.forEach((entry, i) => {
    progress?.(i, set.entries.length);
    const { path, device, label, group } = entry;
    const volume = (labels[label] ??= { entries: 0, groups: 0, packets: 0, bytes: 0, seconds: 0 });
    volume.entries++;
    if (!groups.has(`${label}\0${group}`)) volume.groups++;
    groups.add(`${label}\0${group}`);
    try {
      const found = inspectCapture(path, device, entry);
      volume.packets += found.packets;
      volume.bytes += found.bytes;
      volume.seconds += found.seconds;
    } catch (error) {
      if (!(error instanceof HushboxError)) throw error;
      bad.push(error.message);
    }
  });
  if (bad.length > 0) throw new HushboxError("dataset-invalid", bad.join("\n"));
  return { name: set.name, real: set.real, tasks: set.tasks, labels };
}
