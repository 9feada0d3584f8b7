import { existsSync, readFileSync } from "node:fs";
import { run } from "./child.js";

//   <name>-src: s0 <-> p0 :<name>-box: p1 <-> k0 :<name>-sink
//
// Offloads off, IPv6 off, no queue discipline. s0 is the device, k0 the world; 198.18.0.0/15 is the range for benchmarks
// (RFC 2544) and outside every private range, so that hushbox treats it as the Internet.
const PREFIX = "hx-bench";
export const SOURCE_IP = "198.18.0.1";
export const SINK_IP = "198.18.0.2";
/** Nobody's address: the sink's stack drops the generator's frames at once. */
export const NOBODY_IP = "198.18.0.77";
export const NOBODY_MAC = "02:00:5e:10:00:77";

/** One device, box and world in their own network namespaces. */
export class Topology {
  readonly source: string;
  readonly box: string;
  readonly sink: string;
  readonly deviceMac = "02:00:5e:10:00:01";

  constructor(name: string) {
    const base = `${PREFIX}-${process.pid}-${name}`;
    this.source = `${base}-src`;
    this.box = `${base}-box`;
    this.sink = `${base}-sink`;
  }

  up(): void {
    const { source, box, sink } = this;
    const both = [
      [source, "s0"],
      [box, "p0"],
      [box, "p1"],
      [sink, "k0"],
    ] as const;
    for (const namespace of [source, box, sink]) {
      run("ip", ["netns", "add", namespace]);
      run("ip", ["-n", namespace, "link", "set", "lo", "up"]);
    }
    for (const namespace of [source, box, sink]) setSysctl(namespace, "net.ipv6.conf.all.disable_ipv6", "1");
    for (const namespace of [source, box, sink]) setSysctl(namespace, "net.ipv6.conf.default.disable_ipv6", "1");
    // With br_netfilter loaded a bridge would run IP filters on what it forwards.
    setSysctl(box, "net.bridge.bridge-nf-call-iptables", "0");
    run("ip", ["-n", box, "link", "add", "p0", "type", "veth", "peer", "name", "s0", "netns", source]);
    run("ip", ["-n", box, "link", "add", "p1", "type", "veth", "peer", "name", "k0", "netns", sink]);
    run("ip", ["-n", source, "link", "set", "s0", "address", this.deviceMac]);
    for (const [namespace, name] of both) {
      run("ip", ["netns", "exec", namespace, "ethtool", "-K", name, ..."gro off gso off tso off tx off".split(" ")]);
      run("ip", ["-n", namespace, "link", "set", name, "up"]);
    }
    run("ip", ["-n", source, "addr", "add", `${SOURCE_IP}/24`, "dev", "s0"]);
    run("ip", ["-n", sink, "addr", "add", `${SINK_IP}/24`, "dev", "k0"]);
  }

  down(): void {
    for (const namespace of [this.source, this.box, this.sink]) {
      if (existsSync(`/run/netns/${namespace}`)) run("ip", ["netns", "del", namespace]);
    }
  }
}

function setSysctl(namespace: string, key: string, value: string): void {
  const path = `/proc/sys/${key.replaceAll(".", "/")}`;
  run("ip", ["netns", "exec", namespace, "sh", "-c", `[ ! -e ${path} ] || echo ${value} > ${path}`]);
}

/** Removes what runs that are dead left behind. */
export function removeStale(): string[] {
  const stale = run("ip", ["netns", "list"])
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(`${PREFIX}-`) && !isOurs(Number(name.slice(PREFIX.length + 1).split("-")[0])));
  for (const name of stale) {
    // Programs that outlived their bench are in no other namespace.
    for (const pid of run("ip", ["netns", "pids", name]).split("\n").filter(Boolean)) {
      try {
        process.kill(Number(pid), "SIGKILL");
      } catch {
        // It ended by itself meanwhile.
      }
    }
    run("ip", ["netns", "del", name]);
  }
  return stale;
}

/** True where the process that made the namespaces is alive and still a bench. */
function isOurs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("bench");
  } catch {
    return false;
  }
}
