import type { Chromium } from "./chromium.js";

/** What a page has done, as it saw it itself; hashes are SHA-256 in hexadecimal. */
export interface Browsed {
  /** Of the page, the file that came down and the one that went up: `h3`, `h2` or `http/1.1`. */
  readonly protocols: readonly string[];
  readonly down: { readonly bytes: number; readonly sha256: string };
  readonly up: { readonly bytes: number; readonly sha256: string };
  /** What the server said to what it was sent. */
  readonly answer: string;
  /** Milliseconds for both. */
  readonly ms: number;
}

/** Runs in the page. getRandomValues makes 64 KiB at once. */
const ERRAND = `async (file, bytesUp) => {
  const sha256 = async (bytes) =>
    [...new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))].map((n) => n.toString(16).padStart(2, "0")).join("");
  const up = new Uint8Array(bytesUp);
  for (let at = 0; at < bytesUp; at += 65536) crypto.getRandomValues(up.subarray(at, at + 65536));
  const begun = performance.now();
  const came = await (await fetch(file, { cache: "no-store" })).arrayBuffer();
  const answer = await (await fetch("/", { method: "POST", body: up, cache: "no-store" })).text();
  const ms = performance.now() - begun;
  const entries = ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type));
  return {
    protocols: entries.map(({ nextHopProtocol }) => nextHopProtocol),
    down: { bytes: came.byteLength, sha256: await sha256(came) },
    up: { bytes: up.length, sha256: await sha256(up) },
    answer,
    ms,
  };
}`;

/** Opens the page at an origin, whose script fetches `file` and then sends so many random bytes. */
export async function browse(chromium: Chromium, origin: string, file: string, bytesUp: number): Promise<Browsed> {
  await chromium.open(`${origin}/`);
  return chromium.evaluate<Browsed>(`(${ERRAND})(${JSON.stringify(file)}, ${bytesUp})`);
}
