import { existsSync } from "node:fs";
import { spawn, spawnSync, type ChildProcess, type SpawnOptions } from "node:child_process";

export type Space = "device" | "box" | "world";

/** Both ends' addresses on the link layer and on the network layer; the range for benchmarks (RFC 2544) counts as the Internet. */
export const DEVICE_MAC = "02:00:5e:30:00:01";
export const WORLD_MAC = "02:00:5e:30:00:03";
export const DEVICE_IP = "198.18.0.1";
export const WORLD_IP = "198.18.0.2";
export const DEVICE_IP6 = "2001:db8:30::1";
export const WORLD_IP6 = "2001:db8:30::2";

/** Runs a shell command to its end; throws with its complaint where it failed. */
export function sh(command: string): string {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}${stdout}`);
  return stdout;
}

/**
 * Three network namespaces in a row, with offloads off:
 *
 *     device s0 ── p0 box p1 ── k0 world
 */
export class Spaces {
  readonly names: Readonly<Record<Space, string>>;

  constructor(prefix: string) {
    sweep(prefix);
    const name = (space: Space): string => `${prefix}-${process.pid}-${space}`;
    this.names = { device: name("device"), box: name("box"), world: name("world") };
    for (const space of Object.values(this.names)) {
      sh(`ip netns add ${space}`);
      sh(`ip -n ${space} link set lo up`);
      // Neither advertisements nor duplicate address detection: what is on the line is what a test put there.
      sh(
        `ip netns exec ${space} sh -c 'for i in all default; do cd /proc/sys/net/ipv6/conf/$i; echo 0 > accept_ra; echo 0 > accept_dad; echo 0 > router_solicitations; echo 0 > autoconf; done'`,
      );
    }
    sh(
      `ip netns exec ${this.names.box} sh -c 'for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done'`,
    );
    this.wire("inside");
    this.wire("outside");
  }

  /** Lays the cable of one side, with its addresses; laid before, it is another one with the same names. */
  wire(side: "inside" | "outside"): void {
    const { device, box, world } = this.names;
    if (side === "inside") {
      sh(`ip -n ${box} link add p0 type veth peer name s0 address ${DEVICE_MAC} netns ${device}`);
      this.#set(device, "s0", DEVICE_IP, DEVICE_IP6);
      this.#plain("box", "p0");
    } else {
      sh(`ip -n ${box} link add p1 type veth peer name k0 address ${WORLD_MAC} netns ${world}`);
      this.#set(world, "k0", WORLD_IP, WORLD_IP6);
      this.#plain("box", "p1");
    }
    this.#plain(side === "inside" ? "device" : "world", side === "inside" ? "s0" : "k0");
  }

  /** Runs a command in a place to its end; throws where it failed. */
  sh(space: Space, command: string): string {
    return sh(`ip netns exec ${this.names[space]} ${command}`);
  }

  /** Starts a program in a place; its pid is the program's own. */
  spawn(space: Space, argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn("ip", ["netns", "exec", this.names[space], ...argv], options);
  }

  /** What `ping` from the device says. */
  ping(count: number, address = WORLD_IP, ...options: string[]): string {
    const args = ["ping", "-n", "-c", String(count), "-i", "0.02", "-W", "2", ...options, address];
    return spawnSync("ip", ["netns", "exec", this.names.device, ...args], { encoding: "utf8" }).stdout;
  }

  remove(): void {
    for (const space of Object.values(this.names)) sh(`ip netns del ${space}`);
  }

  #set(space: string, name: string, four: string, six: string): void {
    sh(`ip -n ${space} addr add ${four}/24 dev ${name}`);
    sh(`ip -n ${space} addr add ${six}/64 dev ${name} nodad`);
  }

  #plain(space: Space, name: string): void {
    this.sh(space, `ethtool -K ${name} gro off gso off tso off tx off`);
    sh(`ip -n ${this.names[space]} link set ${name} up`);
  }
}

/** Removes what runs that were killed left behind. */
function sweep(prefix: string): void {
  for (const [name, pid = ""] of sh("ip netns list").matchAll(new RegExp(`^${prefix}-(\\d+)-\\w+`, "gm"))) {
    if (!existsSync(`/proc/${pid}`)) sh(`ip netns del ${name}`);
  }
}

/** Why no namespaces can be made here, or false. */
export function spacesMissing(...tools: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return "needs root for network namespaces";
  for (const tool of ["ip", "ethtool", "ping", ...tools]) {
    if (spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0) return `needs ${tool}`;
  }
  return false;
}
