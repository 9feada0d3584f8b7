import type { TraceSink } from "./observation.js";
import type { Observer } from "./observer.js";
import type { Subject } from "./subject.js";
import { TraceReader } from "./trace-reader.js";

/** What a capture held. */
export interface TraceCounts {
  /** Records in the file. */
  packets: number;
  /** Those neither from nor to the subject. */
  foreign: number;
}

/** Passes a whole capture through an observer's eyes. Throws as CaptureReader does. */
export function readTrace(path: string, subject: Subject, observer: Observer, sink: TraceSink): TraceCounts {
  const reader = new TraceReader(path, subject, observer, sink);
  try {
    reader.read(Infinity);
    return { packets: reader.packets, foreign: reader.foreign };
  } finally {
    reader.close();
  }
}
