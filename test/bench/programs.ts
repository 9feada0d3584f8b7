import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";

/** The project's root, seen from build/test/bench. */
export const ROOT = join(import.meta.dirname, "../../..");
const SOURCES = join(ROOT, "test/bench");
const OUT = join(ROOT, "build/bench");

const LIBRARIES = { generator: ["-lm"], sink: [], forwarder: ["-lpcap"] } as const;
export type Program = keyof typeof LIBRARIES;

/** Where a compiled program lies. */
export function program(name: Program): string {
  return join(OUT, name);
}

/** What this machine lacks for the bench, each with the Debian package that has it; empty: nothing. */
export function missing(): string[] {
  const lacks: string[] = [];
  if (process.getuid?.() !== 0) lacks.push("root, for network namespaces and packet sockets");
  if (spawnSync("cc", ["--version"]).status !== 0) lacks.push("a C compiler (apt-get install gcc libc6-dev)");
  if (!existsSync("/usr/include/pcap/pcap.h")) lacks.push("libpcap's headers (apt-get install libpcap-dev)");
  if (spawnSync("ip", ["-V"]).status !== 0) lacks.push("ip (apt-get install iproute2)");
  if (spawnSync("ethtool", ["--version"]).status !== 0) lacks.push("ethtool (apt-get install ethtool)");
  if (spawnSync("iperf3", ["--version"]).status !== 0) lacks.push("iperf3 (apt-get install iperf3)");
  return lacks;
}

/** Compiles what is older than its source. */
export function compile(): void {
  mkdirSync(OUT, { recursive: true });
  for (const [name, libraries] of Object.entries(LIBRARIES)) {
    const source = join(SOURCES, `${name}.c`);
    const target = join(OUT, name);
    const newest = Math.max(statSync(source).mtimeMs, statSync(join(SOURCES, "frame.h")).mtimeMs);
    if (existsSync(target) && statSync(target).mtimeMs > newest) continue;
    const flags = ["-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE"];
    const { status, stderr } = spawnSync("cc", [...flags, source, "-o", target, ...libraries], { encoding: "utf8" });
    if (status !== 0) throw new Error(`compiling ${source}:\n${stderr}`);
  }
}
