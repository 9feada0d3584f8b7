import { readFileSync } from "node:fs";
import type { Settings } from "../../config/settings.js";
import { hasCapability } from "../capability.js";
import type { Finding } from "./finding.js";

const ADVICE =
  "run as root, or give the service LimitRTPRIO=, RestrictRealtime=no and SystemCallFilter=sched_setscheduler (deploy/gateway/hushbox.service.d has them)";

/**
 * Whether this process may make the packet thread a real-time one, as `nic.priority` asks; nothing where it does not ask. `proc` is where the
 * kernel shows itself. By sched(7): up to the soft limit of RLIMIT_RTPRIO, or any with CAP_SYS_NICE.
 */
export function checkRealtime({ cards, tunnel }: Settings, proc: string): Finding[] {
  const wanted = priorityOf(cards.priority, tunnel !== null);
  if (wanted === 0 || allowed(proc) >= wanted) return [];
  const what = "priority";
  return cards.priority === "auto"
    ? [{ status: "warn", what, message: "slots are late while other programs want the processor", advice: ADVICE }]
    : [{ status: "fail", what, message: `nic.priority ${String(wanted)} is not allowed here`, advice: ADVICE }];
}

/** The SCHED_FIFO priority that the packet thread shall have; 0: none. */
export function priorityOf(priority: Settings["cards"]["priority"], tunnelled: boolean): number {
  return priority === "auto" ? Number(tunnelled) : priority;
}

function allowed(proc: string): number {
  if (hasCapability("CAP_SYS_NICE", proc)) return Infinity;
  const limits = readFileSync(`${proc}/self/limits`, "utf8");
  const limit = /^Max realtime priority\s+(\S+)/m.exec(limits)?.[1] ?? "0";
  return limit === "unlimited" ? Infinity : Number(limit);
}
