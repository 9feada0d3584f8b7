import { spawn } from "node:child_process";
import { closeSync, createReadStream, createWriteStream, mkdirSync, openSync, readSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { discard, unfinished } from "./unfinished.js";

export type Packing = "none" | "gz" | "xz";

/** How a file is compressed, by its first bytes (RFC 1952, 2.3.1; the .xz file format, 2.1.1.1). Throws `dataset-invalid`. */
export function packingOf(path: string): Packing {
  const bytes = Buffer.alloc(6);
  try {
    const fd = openSync(path, "r");
    try {
      readSync(fd, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw failure(path, cause);
  }
  if (bytes.readUInt16BE(0) === 0x1f8b) return "gz";
  return bytes.toString("latin1") === "\xfd7zXZ\0" ? "xz" : "none";
}

/** The decompressed bytes of a file. Reading them throws `dataset-invalid` where the file is cut off or damaged. */
export async function* unpacked(path: string): AsyncGenerator<Buffer> {
  switch (packingOf(path)) {
    case "none":
      yield* checked(path, createReadStream(path));
      return;
    case "gz":
      yield* checked(path, createReadStream(path).pipe(createGunzip()));
      return;
    case "xz":
      yield* xz(path);
  }
}

/** Writes what comes to a file, which appears under its name when it is whole. Throws `dataset-invalid`; `what` names it. */
export async function writeStream(what: string, from: AsyncIterable<Buffer>, path: string): Promise<void> {
  const temporary = unfinished(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(Readable.from(from, { objectMode: false }), createWriteStream(temporary));
    renameSync(temporary, path);
  } catch (cause) {
    discard(temporary);
    throw failure(what, cause);
  }
}

async function* xz(path: string): AsyncGenerator<Buffer> {
  const child = spawn("xz", ["-dc", "--", path], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise<string | null>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ENOENT" ? "xz is not installed; install the Debian package xz-utils" : error.message);
    });
    child.once("close", (code) => {
      resolve(code === 0 ? null : said.trim() || `xz ended with ${String(code)}`);
    });
  });
  try {
    yield* checked(path, child.stdout);
    const why = await ended;
    if (why !== null) throw new HushboxError("dataset-invalid", `unpacking ${path}: ${why}`);
  } finally {
    child.kill();
  }
}

async function* checked(path: string, stream: Readable): AsyncGenerator<Buffer> {
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    throw failure(path, cause);
  }
}

function failure(path: string, cause: unknown): HushboxError {
  if (cause instanceof HushboxError) return cause;
  const why = messageOf(cause);
  return new HushboxError("dataset-invalid", `unpacking ${path}: ${why}`, cause);
}
