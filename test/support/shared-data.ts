import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

/** Where real captures lie, which are no part of the project; absent on most machines. */
export const DATA = join(
  process.env["HUSHBOX_SHARED"] ?? new URL("../../../../shared", import.meta.url).pathname,
  "data",
);

/** Why a test that needs real captures, and perhaps programs, is skipped; false where it can run. */
export function missing(...programs: string[]): string | false {
  if (!existsSync(DATA)) return `there are no captures at ${DATA} (HUSHBOX_SHARED names the folder)`;
  for (const program of programs) {
    if (!["/usr/bin", "/usr/local/bin", "/bin"].some((dir) => existsSync(join(dir, program)))) {
      return `${program} is not installed`;
    }
  }
  return false;
}

/** The small captures of protocol corner cases, and the complete ones of speakers, decompressed into `directory`. */
export function captures(directory: string): string[] {
  const corpus = join(DATA, "parser-corpus");
  return [
    ...readdirSync(corpus)
      .filter((name) => /\.pcap(ng)?$/.test(name))
      .map((name) => join(corpus, name)),
    ...packed("echo", directory),
    ...packed("homepod", directory),
  ];
}

function packed(folder: string, directory: string): string[] {
  return readdirSync(join(DATA, folder))
    .filter((name) => name.endsWith(".pcap.xz"))
    .map((name) => {
      const path = join(directory, basename(name, ".xz"));
      writeFileSync(path, execFileSync("xz", ["-dc", join(DATA, folder, name)], { maxBuffer: 1 << 30 }));
      return path;
    });
}

/** Captures of a speaker of which only the first bytes of each frame were kept, unpacked into `directory`. */
export function headerCaptures(directory: string, limit: number): string[] {
  execFileSync("tar", ["-xJf", join(DATA, "echo", "captures.tar.xz"), "-C", directory]);
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith("_30s.pcap"),
  );
  return files
    .sort()
    .slice(0, limit)
    .map((name) => join(directory, name));
}
