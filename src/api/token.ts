import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import type { Log } from "../log/log.js";

/** 256 bits: nobody guesses that, however fast the API answers. */
const BYTES = 32;
const FORM = /^[\w.~+/=-]{32,512}$/;

/** The secret that changes need. Made on first start; the text itself is never logged or answered. */
export class Token {
  readonly #hash: Buffer;

  private constructor(text: string) {
    this.#hash = hash(text);
  }

  /** Reads the token file, or makes it, readable by the owner alone. */
  static load(path: string, log: Log): Token {
    create(path, log);
    const text = readFileSync(path, "utf8").trim();
    if (!FORM.test(text))
      throw new HushboxError(
        "state-unreadable",
        `${path} holds no token (one line of at least 32 letters and digits): delete it, and the next start makes one`,
      );
    if ((statSync(path).mode & 0o077) !== 0)
      log.warn("the token file can be read by others: chmod 600 it", { file: path });
    return new Token(text);
  }

  /** Whether an Authorization header carries the token (RFC 6750). Hashes are compared, so that the time says nothing about either. */
  accepts(header: string | undefined): boolean {
    const found = /^bearer +(\S+)$/i.exec(header ?? "");
    return found !== null && timingSafeEqual(hash(found[1] ?? ""), this.#hash);
  }
}

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Makes the file where it is not; under another name first, so that nobody ever reads half a token. */
function create(path: string, log: Log): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    if (existsSync(path)) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${randomBytes(BYTES).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
    chmodSync(temporary, 0o600);
    linkSync(temporary, path);
    rmSync(temporary);
    log.info("made a token for changes over HTTP", { file: path });
  } catch (cause) {
    tryRemove(temporary);
    // Another process was quicker: its token is the one.
    if ((cause as NodeJS.ErrnoException).code === "EEXIST" && existsSync(path)) return;
    const reason = messageOf(cause);
    throw new HushboxError("state-unreadable", `making the token file ${path} failed: ${reason}`, cause);
  }
}

function tryRemove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It was never made.
  }
}
