import { readFileSync } from "node:fs";
import type { Settings } from "../config/settings.js";
import type { Finding } from "./host-check.js";

/** capability.h. */
const CAP_SYS_NICE = 23;
const ADVICE =
  "run as root, or give the service LimitRTPRIO=, RestrictRealtime=no and SystemCallFilter=sched_setscheduler (deploy/gateway/hushbox.service.d has them)";

/**
 * Whether this process may make the packet thread a real-time one, as `nic.priority` asks; nothing where it does not ask. `proc` is where the
 * kernel shows itself. By sched(7): up to the soft limit of RLIMIT_RTPRIO, or any with CAP_SYS_NICE.
 */
export function checkRealtime({ cards, tunnel }: Settings, proc: string): Finding[] {
  const auto = cards.priority === "auto";
  const wanted = cards.priority === "auto" ? Number(tunnel !== null) : cards.priority;
  if (wanted === 0 || allowed(proc) >= wanted) return [];
  const what = "priority";
  return auto
    ? [{ status: "warn", what, message: "slots are late while other programs want the processor", advice: ADVICE }]
    : [{ status: "fail", what, message: `nic.priority ${String(wanted)} is not allowed here`, advice: ADVICE }];
}

function allowed(proc: string): number {
  const read = (name: string, line: RegExp): string =>
    line.exec(readFileSync(`${proc}/self/${name}`, "utf8"))?.[1] ?? "0";
  const mask = BigInt(`0x${read("status", /^CapEff:\s*([0-9a-f]+)/m)}`);
  if ((mask >> BigInt(CAP_SYS_NICE)) & 1n) return Infinity;
  const limit = read("limits", /^Max realtime priority\s+(\S+)/m);
  return limit === "unlimited" ? Infinity : Number(limit);
}
