import { existsSync } from "node:fs";
import { join } from "node:path";
import { missingPackages, which, type Tool } from "../../src/emulator/command.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { ROOT } from "./generated.js";

/**
 * Why no hushbox can run in a laboratory here, or false: what the laboratory lacks, then tools that a test calls itself, then programs beside
 * them, then the packet ring.
 */
export function boxMissing(tools: readonly Tool[], ...programs: readonly string[]): string | false {
  const why = Laboratory.unavailable();
  if (why !== null) return why;
  const packages = missingPackages(tools);
  if (packages.length > 0) return `install the Debian packages ${packages.join(" ")}`;
  const program = programs.find((name) => which(name) === null);
  if (program !== undefined) return `needs ${program}`;
  return !existsSync(join(ROOT, "build/native/ring.node")) && "needs build/native/ring.node (npm run build)";
}
