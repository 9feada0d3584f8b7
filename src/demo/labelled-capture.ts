import { basename, dirname, join } from "node:path";
import { writeManifest } from "../lab/dataset/manifest.js";
import { CaptureReader } from "../nic/capture-reader.js";
import type { Questions } from "./questions.js";

/** A capture of a demo in which questions were asked. */
export interface LabelledCapture {
  readonly file: string;
  /** Whose packets an attack looks at: a MAC or IP address. */
  readonly device: string;
  /** Whether they are defended, and how, in words. */
  readonly name: string;
  /** How it came to be. */
  readonly origin: string;
  /** When the speaker began with what it does, in epoch µs. */
  readonly began: number;
}

/** Writes the manifest of a capture beside it, each question an entry; answers its path. Throws as CaptureReader and writeManifest do. */
export function labelCapture(questions: Questions, { file, device, name, origin, began }: LabelledCapture): string {
  const path = join(dirname(file), `${basename(file, ".pcap")}.yaml`);
  const first = firstTime(file);
  const moment = (at: number): string => `${((began + at - first) / 1e6).toFixed(6)}s`;
  writeManifest(path, {
    name,
    real: false,
    origin,
    licence: "Apache-2.0",
    device,
    tasks: { questions: { classes: Object.fromEntries(questions.classes.map((label) => [label, [label]])) } },
    captures: questions.spans.map(({ activity, from, to }, i) => ({
      file: basename(file),
      label: activity,
      // A round has one question of each class.
      group: `round-${String(Math.floor(i / questions.classes.length) + 1).padStart(3, "0")}`,
      from: moment(from),
      to: moment(to),
    })),
  });
  return path;
}

/** The time of a capture's first packet, in µs. */
function firstTime(path: string): number {
  const reader = CaptureReader.open(path);
  try {
    return reader.next() ? reader.time : 0;
  } finally {
    reader.close();
  }
}
