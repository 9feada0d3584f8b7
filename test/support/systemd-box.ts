import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocking, which, type CommandOptions, type CommandResult } from "../../src/emulator/command.js";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import { Child, pause } from "../bench/child.js";
import { ROOT } from "./generated.js";

const SYSTEMD = "/lib/systemd/systemd";

/** A folder of this machine that is seen in there too. */
export interface Share {
  readonly from: string;
  readonly at: string;
}

/** Where version 2 of control groups is mounted, or null. */
function cgroups(): string | null {
  const mounts = readFileSync("/proc/self/mounts", "utf8");
  return / (\S+) cgroup2 rw/.exec(mounts)?.[1] ?? null;
}

/**
 * Makes this machine's own root, with a layer above it that is thrown away, the root of a machine with its own processes, and boots its
 * systemd there. Settings of the kernel are read-only, and nothing is started but the journal.
 */
function boot(work: string, share: Share): string {
  const root = `${work}/root`;
  return `set -e
mount --make-rprivate /
mount -t tmpfs hushbox ${work}
mkdir ${work}/upper ${work}/work ${root}
mount -t overlay hushbox -o lowerdir=/,upperdir=${work}/upper,workdir=${work}/work ${root}
mount -t proc proc ${root}/proc
mount --bind ${root}/proc/sys ${root}/proc/sys
mount -o remount,bind,ro ${root}/proc/sys
mount -t sysfs -o ro sysfs ${root}/sys
mount -t cgroup2 cgroup2 ${root}/sys/fs/cgroup
mount -t tmpfs -o mode=755 dev ${root}/dev
for name in null zero full random urandom tty; do touch ${root}/dev/$name; mount --bind /dev/$name ${root}/dev/$name; done
ln -s /proc/self/fd ${root}/dev/fd
ln -s pts/ptmx ${root}/dev/ptmx
mkdir ${root}/dev/shm ${root}/dev/pts
mount -t devpts -o newinstance,ptmxmode=666 devpts ${root}/dev/pts
mount -t tmpfs -o mode=1777 shm ${root}/dev/shm
mount -t tmpfs -o mode=755 run ${root}/run
mount -t tmpfs -o mode=1777 tmp ${root}/tmp
mkdir -p ${root}${share.at}
mount --bind ${share.from} ${root}${share.at}
[ -e ${root}/usr/bin/node ] || touch ${root}/usr/bin/node
mount --bind ${process.execPath} ${root}/usr/bin/node
rm -rf ${root}/etc/systemd/system/*
: > ${root}/etc/fstab
find ${root}/usr/lib/systemd/system/*.wants -type l ! -name 'systemd-journald*' -delete
printf '[Unit]\\nDescription=up\\n' > ${root}/etc/systemd/system/up.target
cd ${root}
mkdir -p .old
pivot_root . .old
umount -l .old
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=hushbox ${SYSTEMD} --unit=up.target --log-target=journal --show-status=no
`;
}

/** This machine's systemd as PID 1 of namespaces of its own, in the box of a laboratory. */
export class SystemdBox {
  readonly #child: Child;
  readonly #cgroup: string;
  readonly #laboratory: Laboratory;
  #pid = 0;

  private constructor(laboratory: Laboratory, child: Child, cgroup: string) {
    this.#laboratory = laboratory;
    this.#child = child;
    this.#cgroup = cgroup;
  }

  /** Why it cannot boot here, or null. */
  static unavailable(): string | null {
    if (which("systemctl") === null || which("unshare") === null || which("nsenter") === null)
      return "needs systemd and util-linux";
    if (cgroups() === null) return "needs control groups version 2, writable";
    const overlays = (): boolean => /\boverlay$/m.test(readFileSync("/proc/filesystems", "utf8"));
    if (!overlays()) blocking("modprobe", ["overlay"]);
    if (!overlays()) return "needs overlayfs in the kernel";
    return null;
  }

  /** Boots with its files under `directory`; resolves when units can be started. By default this checkout is where the unit looks for hushbox. */
  static async boot(
    laboratory: Laboratory,
    directory: string,
    share: Share = { from: ROOT, at: "/usr/lib/hushbox" },
  ): Promise<SystemdBox> {
    const script = join(directory, "boot.sh");
    const work = join(directory, "machine");
    const cgroup = join(cgroups() ?? "", laboratory.prefix);
    mkdirSync(work);
    mkdirSync(cgroup);
    writeFileSync(script, boot(work, share));
    const spaces = ["--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--cgroup"];
    // It waits until it is in its control group, which becomes the root of all its groups.
    const start = `read go; exec unshare ${spaces.join(" ")} /bin/sh ${script}`;
    const child = new Child(laboratory.namespaces.box, "/bin/sh", ["-c", start]);
    writeFileSync(join(cgroup, "cgroup.procs"), String(child.pid));
    child.endInput();
    const box = new SystemdBox(laboratory, child, cgroup);
    try {
      await child.until(() => box.#up(), "boot", 30_000);
    } catch (error) {
      await box.stop();
      throw error;
    }
    return box;
  }

  /** Runs a command of a shell in there. */
  async run(command: string, options: CommandOptions = {}): Promise<CommandResult> {
    const argv = [
      "nsenter",
      ...["-t", String(this.#pid), "--mount", "--pid", "--uts", "--ipc", "--cgroup"],
      // The test runner's own options for Node name files that are not there.
      ...["env", "-u", "NODE_OPTIONS"],
      "/bin/sh",
      "-c",
      command,
    ];
    return this.#laboratory.run("box", argv, options);
  }

  /** A property of a unit. */
  async show(unit: string, property: string): Promise<string> {
    return (await this.run(`systemctl show -P ${property} ${unit}`)).stdout.trim();
  }

  /** Shuts down. */
  async stop(): Promise<void> {
    if (this.#pid !== 0) await this.run("systemctl exit --no-block");
    for (let i = 0; i < 100 && this.#child.running; i++) await pause(50);
    await this.#child.stop(100);
    removeGroup(this.#cgroup);
  }

  /** Processes of a unit or a scope below a slice, as numbered outside. */
  processes(group: string): number[] {
    const path = join(this.#cgroup, group, "cgroup.procs");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
  }

  async #up(): Promise<boolean> {
    this.#pid = this.processes("init.scope")[0] ?? 0;
    return this.#pid !== 0 && (await this.show("up.target", "ActiveState")) === "active";
  }
}

/** Removes a control group and those below it; one in which something still ends is left, which does no harm. */
function removeGroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(path, entry.name));
  try {
    rmdirSync(path);
  } catch {
    // Busy.
  }
}
