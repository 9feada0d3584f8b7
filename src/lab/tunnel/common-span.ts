import { CaptureReader } from "../../nic/capture-reader.js";
import { micros, seconds, type Micros } from "../../time/micros.js";
import type { Task } from "../dataset/dataset.js";

/** What a tunnel may still have to carry when a capture is over. */
const TAIL = seconds(60);

/**
 * How long observers look at each capture of a task behind a tunnel: as long as the longest and a minute more, in whole minutes. A tunnel goes on when a
 * capture is over, and how long that was must not be told by when the lab stops looking.
 */
export function commonSpan(task: Task): Micros {
  const paths = new Set(task.members.map(({ entry }) => entry.path));
  let longest = 0;
  for (const path of paths) longest = Math.max(longest, lengthOf(path));
  return micros(Math.ceil((longest + TAIL) / 60e6) * 60e6);
}

function lengthOf(path: string): number {
  const reader = CaptureReader.open(path);
  try {
    if (!reader.next()) return 0;
    const first = reader.time;
    let last = first;
    while (reader.next()) last = Math.max(last, reader.time);
    return last - first;
  } finally {
    reader.close();
  }
}
