import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, which, type CommandResult } from "../../src/emulator/command.js";
import type { Runner } from "../../src/setup/host.js";
import { pause } from "../bench/child.js";

const SUITE = "trixie";
/** Folders that programs in there write to: empty ones, thrown away. */
const OWN = ["etc/network", "etc/NetworkManager/conf.d", "run", "var/lib/NetworkManager", "tmp"];

/** What the programs of a running root are asked through. */
function inside(pid: number, root: string, program: string, args: readonly string[]): string[] {
  const clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"];
  return ["-t", String(pid), "--net", "--mount", "--pid", ...clean, "chroot", root, program, ...args];
}

/**
 * Programs of Debian that no test may install here, as they would look after this machine's cards: unpacked into a folder that is kept
 * ($HUSHBOX_DEBIAN_ROOTS, default /var/cache/hushbox-roots), never configured, and run there with cards and processes of their own.
 */
export class DebianRoot implements Runner {
  /** The root as seen from here. */
  readonly path: string;
  readonly #process: ChildProcess;
  readonly #pid: number;
  readonly #root: string;
  readonly #started: ChildProcess[] = [];

  private constructor(process: ChildProcess, pid: number, root: string) {
    this.#process = process;
    this.#pid = pid;
    this.#root = root;
    this.path = `/proc/${pid}/root${root}`;
  }

  /** The folder with these packages, unpacked where it is not there yet; else why not. */
  static async unpack(name: string, packages: readonly string[]): Promise<{ root: string } | { lacking: string }> {
    if (process.getuid?.() !== 0) return { lacking: "needs root, to unpack and to make namespaces" };
    const root = join(process.env["HUSHBOX_DEBIAN_ROOTS"] ?? "/var/cache/hushbox-roots", name);
    if (existsSync(join(root, ".whole"))) return { root };
    if (which("mmdebstrap") === null) return { lacking: "needs mmdebstrap" };
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, ".."), { recursive: true });
    const args = ["--quiet", "--variant=extract", `--include=${packages.join(",")}`, SUITE, root];
    const { code, stderr } = await command("mmdebstrap", args, { timeout: 300_000 });
    if (code !== 0)
      return { lacking: `Debian's packages are out of reach: ${stderr.trim().split("\\n").at(-1) ?? ""}` };
    for (const link of ["lib", "lib64", "bin", "sbin"])
      if (!existsSync(join(root, link)) && existsSync(join(root, "usr", link)))
        symlinkSync(`usr/${link}`, join(root, link));
    for (const folder of [...OWN, "proc", "sys", "dev"]) mkdirSync(join(root, folder), { recursive: true });
    // Nobody configured the package that makes them.
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\n");
    mkdirSync(join(root, ".whole"));
    return { root };
  }

  /** Opens namespaces in which it is a machine with these cards, each with a far end that is up. */
  static async open(root: string, cards: readonly string[]): Promise<DebianRoot> {
    const script = `set -e
mount --make-rprivate /
mount --bind ${root} ${root}
mount -t proc proc ${root}/proc
mount -t sysfs -o ro sysfs ${root}/sys
mount -t tmpfs -o mode=755 dev ${root}/dev
for name in null urandom random; do touch ${root}/dev/$name; mount --bind /dev/$name ${root}/dev/$name; done
${OWN.map((folder) => `mount -t tmpfs -o mode=755 own ${root}/${folder}`).join("\n")}
ip link set lo up
${cards.map((card) => `ip link add ${card} type veth peer name far-${card}; ip link set far-${card} up`).join("\n")}
echo ready
exec sleep 3600`;
    const spaces = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
    const child = spawn("unshare", [...spaces, "sh", "-c", script], { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    while (!said.includes("ready\n")) {
      if (child.exitCode !== null) throw new Error(`opening ${root}: ${said}`);
      await pause(20);
    }
    const [first = ""] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ");
    return new DebianRoot(child, Number(first), root);
  }

  has(program: string): boolean {
    return ["usr/bin", "usr/sbin"].some((folder) => existsSync(join(this.#root, folder, program)));
  }

  run(program: string, args: readonly string[]): Promise<CommandResult> {
    return command("nsenter", inside(this.#pid, this.#root, program, args));
  }

  /** Starts a program that goes on until all ends; answers what it has printed so far. */
  start(program: string, ...args: string[]): () => string {
    const child = spawn("nsenter", inside(this.#pid, this.#root, program, args), { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    this.#started.push(child);
    return () => said;
  }

  /** Ends all that runs in there; cards and mounts go with it. */
  async close(): Promise<void> {
    const ended = [this.#process, ...this.#started]
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => new Promise((resolve) => child.once("close", resolve)));
    this.#process.kill("SIGKILL");
    await Promise.all(ended);
  }
}
