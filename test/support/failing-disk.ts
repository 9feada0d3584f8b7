import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** What changes a disk. */
const CHANGES = [
  "openSync",
  "writeFileSync",
  "mkdirSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "symlinkSync",
  "chmodSync",
  "utimesSync",
] as const;
/** Of these, what needs room on it. */
const NEEDS_ROOM: readonly string[] = ["openSync", "writeFileSync", "mkdirSync", "symlinkSync"];

type Sync = (...args: unknown[]) => unknown;
const table = fs as unknown as Record<string, Sync>;

/** A disk on which the n-th change from now on, and every later one, fails. */
export class FailingDisk {
  /** Changes so far. */
  count = 0;
  readonly #real = new Map<string, Sync>();

  /** `cut`: nothing at all is changed any more, as when the power went; `full`: what needs room fails. */
  constructor(kind: "cut" | "full", at: number) {
    for (const name of kind === "cut" ? CHANGES : NEEDS_ROOM) {
      const real = table[name];
      if (real === undefined) throw new Error(name);
      this.#real.set(name, real);
      table[name] = (...args) => {
        // Reading changes nothing, and what the kernel shows is on no disk.
        if (name === "openSync" && (args[1] === undefined || args[1] === "r")) return real(...args);
        if (kind === "full" && /\/(proc|sys)\//.test(String(args[0]))) return real(...args);
        if (this.count++ < at) return real(...args);
        if (kind === "cut") throw new PowerCut();
        // A folder that is there is not made.
        if (name === "mkdirSync" && fs.existsSync(String(args[0]))) return real(...args);
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      };
    }
    syncBuiltinESMExports();
  }

  /** The disk is well again. */
  mend(): void {
    for (const [name, real] of this.#real) table[name] = real;
    syncBuiltinESMExports();
  }
}

export class PowerCut extends Error {}
