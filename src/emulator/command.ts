import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";

/** What a finished command left. `code` is null where a signal ended it. */
export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface CommandOptions {
  /** Text for its standard input. */
  input?: string;
  /** Milliseconds after which it is killed; default 30,000. */
  timeout?: number;
}

// A login shell of a Debian user has no sbin in PATH, and neither has a systemd unit of a user.
const FOLDERS = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"].filter(Boolean);

/** The Debian package of each program that the laboratory and the emulator call. */
const PACKAGES = {
  ip: "iproute2",
  nft: "nftables",
  ethtool: "ethtool",
  tcpdump: "tcpdump",
  ping: "iputils-ping",
  openssl: "openssl",
  wg: "wireguard-tools",
  "wireguard-go": "wireguard-go",
} as const;

export type Tool = keyof typeof PACKAGES;

/** The full path of a program, or null. */
export function which(program: string): string | null {
  for (const folder of FOLDERS) {
    const path = `${folder}/${program}`;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** The Debian packages that are missing for these tools. */
export function missingPackages(tools: readonly Tool[]): string[] {
  return tools.filter((tool) => which(tool) === null).map((tool) => PACKAGES[tool]);
}

/** The full path of a tool; where it is missing, an error that names the Debian package. */
export function tool(name: Tool): string {
  const path = which(name);
  if (path === null) {
    throw new HushboxError("host", `looking for ${name}: not found; install the Debian package ${PACKAGES[name]}`);
  }
  return path;
}

/** Collects what a child prints until it ends. */
export function collect(child: ChildProcess, timeout = 30_000): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const timer = setTimeout(() => child.kill("SIGKILL"), timeout);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(new HushboxError("host", `starting ${child.spawnfile}: ${error.message}`, error));
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stdout, stderr });
    });
  });
}

/** Runs a program to its end. */
export function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  // What it prints is read here, so in no language but English.
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, LC_ALL: "C" } });
  child.stdin.on("error", () => {
    // It ended before it read all of its input; its exit status tells.
  });
  child.stdin.end(options.input ?? "");
  return collect(child, options.timeout);
}

/** Runs a program to its end, and takes any exit status but 0 for an error that says what was being done. */
export async function must(doing: string, file: string, args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await command(file, args, { input });
  if (code !== 0) throw new HushboxError("host", `${doing}: ${stderr.trim() || `exit status ${String(code)}`}`);
  return stdout;
}

/** Runs a program to its end while everything else waits: for exit hooks only. */
export function blocking(file: string, args: readonly string[]): CommandResult {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", timeout: 10_000 });
  return { code: status, stdout, stderr };
}
