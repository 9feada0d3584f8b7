import { HushboxError } from "../errors/hushbox-error.js";
import type { WindowOptions } from "../features/windows.js";
import { parseDuration } from "../time/duration.js";

/** What `--window` says: `N`, a time, or `trace`. Throws a usage error. */
export function windowCut(text: string): Pick<WindowOptions, "cut" | "size"> {
  if (text === "trace") return { cut: "trace", size: 0 };
  const packets = /^[0-9]+$/.test(text);
  const size = packets ? Number(text) : (parseDuration(text) ?? 0);
  if (!(size >= 1 && size <= Number.MAX_SAFE_INTEGER)) {
    const kinds = "a number of packets such as 500, a time such as 30s, or trace";
    throw new HushboxError("usage", `--window is ${kinds}, not "${text}"`);
  }
  return { cut: packets ? "packets" : "time", size };
}
