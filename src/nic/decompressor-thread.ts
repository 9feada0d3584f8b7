// The thread behind a Decompressor: zlib for gzip, the program xz for xz.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { workerData } from "node:worker_threads";
import { createGunzip } from "node:zlib";
import { messageOf } from "../errors/message-of.js";
import { BAD, ByteRing, CUT, WHOLE, type Ending } from "./byte-ring.js";
import type { DecompressorData } from "./decompressor.js";

const CHUNK = 1 << 18;

class Gone extends Error {}

const { path, compression, shared } = workerData as DecompressorData;
const ring = new ByteRing(shared);

async function into(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) if (!ring.write(chunk)) throw new Gone();
}

async function gunzip(): Promise<void> {
  await pipeline(createReadStream(path, { highWaterMark: CHUNK }), createGunzip({ chunkSize: CHUNK }), into);
}

async function unxz(): Promise<void> {
  // What it says is read here, so in no language but English.
  const child = spawn("xz", ["-dcq", "--", path], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const missing = error.code === "ENOENT" ? "xz is not installed; on Debian: apt-get install xz-utils" : "";
      reject(new Error(missing || `starting xz: ${error.message}`));
    });
    child.once("close", resolve);
  });
  try {
    const [code] = await Promise.all([ended, into(child.stdout)]);
    if (code !== 0) throw new Error(said.trim() || `xz ended with status ${String(code)}`);
  } finally {
    child.kill();
  }
}

/** As zlib and xz say of a file that ends too early. */
const EARLY = /unexpected end of (file|input)/i;

function told(error: unknown): [how: Ending, words: string] {
  const words = messageOf(error);
  return [EARLY.test(words) ? CUT : BAD, words.replace(/^xz: /, "").replace(`${path}: `, "")];
}

try {
  await (compression === "gzip" ? gunzip() : unxz());
  ring.end(WHOLE);
} catch (error) {
  ring.end(...told(error));
}
