import { CaptureReader } from "../nic/capture-reader.js";
import { dissect } from "../packet/dissect.js";
import { Pool } from "../packet/pool.js";
import { micros } from "../time/micros.js";
import type { TraceSink } from "./observation.js";
import type { Observer } from "./observer.js";
import { FOREIGN, type Subject } from "./subject.js";

/** Enough for every header that is read; lengths are those of the whole frame. */
const HEADERS = 512;

/** What a capture held. */
export interface TraceCounts {
  /** Records in the file. */
  packets: number;
  /** Those neither from nor to the subject. */
  foreign: number;
}

/** Passes a capture through an observer's eyes, in one pass and constant memory. Throws as CaptureReader does. */
export function readTrace(path: string, subject: Subject, observer: Observer, sink: TraceSink): TraceCounts {
  const reader = CaptureReader.open(path);
  const pool = new Pool(1);
  const packet = pool.packet(0);
  const counts = { packets: 0, foreign: 0 };
  try {
    while (reader.next()) {
      counts.packets++;
      packet.length = reader.copy(pool.bytes, packet.at, HEADERS);
      packet.wireLength = reader.originalLength;
      dissect(packet, pool.view);
      const direction = subject.direction(packet, pool.view);
      if (direction === FOREIGN) counts.foreign++;
      else if (observer.observe(packet, pool.view, direction, micros(reader.time))) sink.seen(observer.observation);
    }
  } finally {
    reader.close();
  }
  return counts;
}
