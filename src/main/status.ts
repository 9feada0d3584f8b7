import { parseArgs } from "node:util";
import type { Status } from "../api/status.js";
import type { TunnelProblem } from "../datapath/tunnel-report.js";
import { Client, CLIENT_HELP, CLIENT_OPTIONS } from "./client.js";
import type { Command } from "./command.js";

/** `hushbox status`: what a running daemon does. */
export const command: Command = {
  summary: "show what the running box does",
  usage: `Usage: hushbox status [--json] [--config FILE | --url URL]

Asks the running daemon what it does: traffic, overhead, added delay, drops, decoys.
Exit status 1 where it does not answer, or packets do not flow.

  --json              the whole answer as one object
${CLIENT_HELP}

Example:
  hushbox status --json | jq .up.overhead
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: "boolean", default: false }, ...CLIENT_OPTIONS } });
  const { body } = await new Client(values).get("/api/v1/status");
  const status = body as Status;
  console.log(values.json ? JSON.stringify(status) : inWords(status));
  return status.ready && status.turning ? 0 : 1;
}

function inWords(status: Status): string {
  const { configuration, cards, decoys } = status;
  const state = !status.ready
    ? "NOT READY: packets do not flow"
    : status.turning
      ? "ready"
      : "STANDS STILL: the datapath does not turn";
  const lines = [
    `hushbox ${status.version}: ${state}, for ${span(status.uptimeSeconds)}`,
    `preset ${status.preset}, ${status.devices} device${status.devices === 1 ? "" : "s"}, ${status.flows} flows; ${configuration.file}${configuration.saved ? "" : " (changed since, not saved)"}`,
    `inside ${cards.inside.interface} ${cards.inside.up ? "up" : "DOWN"}, outside ${cards.outside.interface} ${cards.outside.up ? "up" : "DOWN"}`,
    takeOverLine(status),
    ...tunnelLines(status),
    ...(["up", "down"] as const).flatMap((direction) => directionLines(direction, status[direction])),
  ];
  if (decoys !== null) {
    const sent = Object.entries(decoys.sent).map(([kind, n]) => `${n} ${kind}`);
    const refused = Object.entries(decoys.refused).filter(([, n]) => n > 0);
    lines.push(
      `decoys ${sent.join(", ")}${refused.length === 0 ? "" : `; refused ${refused.map(([why, n]) => `${n} by ${why}`).join(", ")}`}`,
    );
  }
  const { mechanismsOff: off } = status;
  const whose =
    off === 1
      ? "mechanism is off for a destination that does not take it"
      : "mechanisms are off for destinations that do not take them";
  if (off > 0) lines.push(`padding: ${off} ${whose}; GET /api/v1/destinations lists them`);
  return lines.join("\n");
}

function takeOverLine({ takeOver }: Status): string {
  const { onFailure, bridge, armed, isolated, lapses, guarded } = takeOver;
  const fails = onFailure === "open" ? "open" : guarded ? "closed, guarded" : "closed, NOT GUARDED";
  if (bridge === null) return `no bridge joins them: without hushbox nothing passes (onFailure ${fails})`;
  const taken = isolated ? "taken over, between stations too" : "taken over";
  const state = armed ? taken : "NOT TAKEN OVER: the kernel forwards undefended";
  return `bridge ${bridge}: ${state}; onFailure ${fails}${lapses === 0 ? "" : `; stood still ${lapses} times`}`;
}

/** What each problem means for a person. */
const PROBLEMS: Readonly<Record<TunnelProblem, string>> = {
  unreachable: "its peer does not answer: compare Endpoint, keys and firewall of both ends, and this clock",
  silent: "WireGuard's peer answers, but no hushbox behind it: is that one a gateway with preset paired?",
  "other-version": "the other end is another version of hushbox: install the same at both",
  "shared-key": "two machines seem to use one key: make each its own",
  "clock-behind": "this clock was set back: peers refuse handshakes until it has caught up",
  "budget-spent": "the month's budget is spent: no decoys, so each episode is a real one",
  full: "its queue is full: packets are dropped",
};

function tunnelLines({ tunnel }: Status): string[] {
  if (tunnel === null) return [];
  const { role, state, problems, slots, peers } = tunnel;
  const up = peers.filter((peer) => peer.state === "up").length;
  const whom = role === "gateway" ? `${up} of ${peers.length} boxes` : "far end";
  const word = state === "up" ? "up" : state.toUpperCase();
  const { demand, decoy, follower, answered } = slots.episodes;
  return [
    `tunnel ${word} (${tunnel.interface}, ${tunnel.implementation}), ${whom}; packets of ${tunnel.mtu} bytes${state === "up" ? "" : "; devices wait, none leaves outside it"}`,
    ...problems.map(
      ({ problem, peers }) => `  ${problem}: ${PROBLEMS[problem]}${peers.length === 0 ? "" : ` (${peers.join(", ")})`}`,
    ),
    ...(slots.sent === 0
      ? []
      : [
          `  slots ${slots.sent}, empty ${slots.empty}, missed ${slots.missed}, of the other end lost ${slots.lost}; episodes ${role === "gateway" ? answered : `${demand} real, ${decoy} decoys, ${follower} that followed`}; ${slots.waitingPackets} packets wait; level ${slots.level}`,
        ]),
  ];
}

function directionLines(name: string, direction: Status["up"]): string[] {
  if (direction === null) return [];
  const { counts, overhead, addedDelayMilliseconds: delay, drops } = direction;
  const dropped = Object.entries(drops).filter(([, n]) => n > 0);
  return [
    `${name.padEnd(5)}${counts.packetsOut} packets, ${counts.bytesOut} bytes; overhead ${percent(overhead.bytes)} of bytes, ${percent(overhead.packets)} of packets`,
    `     added delay p50 ${delay.p50 ?? "-"} ms, p99 ${delay.p99 ?? "-"} ms; ${dropped.length === 0 ? "no drops" : `drops ${dropped.map(([why, n]) => `${n} ${why}`).join(", ")}`}`,
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

function span(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${minutes} min` : minutes > 0 ? `${minutes} min` : `${seconds} s`;
}
