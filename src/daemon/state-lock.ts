import { linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";

/**
 * Keeps a second daemon out of a state directory: it would put back the offloads that the first has turned off, and write over its budget. The
 * file `<state>/lock` names a process by number and moment of birth, so that what kill -9 left behind locks nobody out.
 */
export class StateLock {
  readonly #directory: string;
  readonly #path: string;
  #held = false;

  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, "lock");
  }

  /** Throws `already-running` where another process holds it. */
  take(): void {
    const mine = `${this.#path}.${process.pid}`;
    try {
      writeFileSync(mine, `${process.pid} ${birth(process.pid) ?? ""}\n`, { mode: 0o600 });
      for (let tries = 0; !this.#held && tries < 3; tries++) {
        this.#held = linked(mine, this.#path);
        if (!this.#held) this.#clear();
      }
    } catch (cause) {
      if (cause instanceof HushboxError) throw cause;
      throw new HushboxError("state-unreadable", `locking the state directory failed: ${messageOf(cause)}`, cause);
    } finally {
      rmSync(mine, { force: true });
    }
    if (!this.#held)
      throw new HushboxError("already-running", `another hushbox starts in ${this.#directory} right now`);
  }

  /** Idempotent. */
  release(): void {
    if (this.#held) rmSync(this.#path, { force: true });
    this.#held = false;
  }

  /** Removes a lock whose holder is gone. */
  #clear(): void {
    const [pid = "", born = ""] = readFileSync(this.#path, "utf8").trim().split(" ");
    if (born !== "" && birth(Number(pid)) === born) {
      throw new HushboxError(
        "already-running",
        `another hushbox (process ${pid}) uses the state directory ${this.#directory}: stop it first, or set state to another directory`,
      );
    }
    rmSync(this.#path, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** When a process began, in clock ticks since boot (proc(5), field 22), with the boot it began in; null where there is none. */
function birth(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may hold spaces; what follows it is numbers.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return `${fields[19] ?? ""}@${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return null;
  }
}
