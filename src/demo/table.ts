import { FEATURES, type FeatureName } from "../features/features.js";
import { OBSERVED, WAYS, type DemoReport, type TunnelSeen, type Way } from "./report.js";

const NAME = 14;
const CELL = 10;
/** Lengths that spread by less than this share of what they did are called even. */
const EVEN = 0.5;

/** What is shown of a running demo, or of one that has ended. */
export type Shown = Omit<DemoReport, "integrity"> & Partial<Pick<DemoReport, "integrity">>;

/** The twelve features of both observers, before and after, and what it costs: a table of 14 lines and a few below. */
export function table(shown: Shown): string[] {
  const columns = OBSERVED.flatMap((observer) => WAYS.map((way) => ({ observer, way })));
  const head = columns.map(({ observer, way }) => `${observer} ${way}`.padStart(2 * CELL));
  const sides = columns.map(() => "before".padStart(CELL) + "after".padStart(CELL));
  const rows = FEATURES.map((name) => {
    const cells = columns.map(({ observer, way }) => {
      const { before, after } = shown.observers[observer][way];
      return figure(name, before[name]).padStart(CELL) + figure(name, after[name]).padStart(CELL);
    });
    return name.padEnd(NAME) + cells.join("");
  });
  return [" ".repeat(NAME) + head.join(""), " ".repeat(NAME) + sides.join(""), ...rows, "", ...costs(shown)];
}

/** One line for a log: what the observers make of lengths and gaps on the way up. */
export function line(shown: Shown): string {
  const lengths = OBSERVED.map((observer) => {
    const { before, after } = shown.observers[observer].up;
    const spread = (f: typeof before): string => `${f.mean_len_pack.toFixed(0)}±${f.std_len_pack.toFixed(0)}`;
    return `${observer} up length ${spread(before)} -> ${spread(after)}`;
  });
  const { decoys, added_delay_ms: delay } = shown;
  return `${shown.seconds.toFixed(0)} s  ${lengths.join("  ")}  delay p50 ${delay.p50.toFixed(1)} ms  decoys ${decoys.tcp}+${decoys.udp}+${decoys.icmp}  leaked ${decoys.replies_leaked}`;
}

function costs(shown: Shown): string[] {
  const { overhead, added_delay_ms: delay, lateness_us: late, drops, decoys, integrity } = shown;
  const dropped = Object.entries(drops).filter(([, n]) => n > 0);
  const lost = dropped.length === 0 ? "none" : dropped.map(([reason, n]) => `${reason} ${n}`).join(", ");
  const lines = [
    `overhead     bytes ${percent(overhead.bytes)}, packets ${percent(overhead.packets)} on the link to the router, both ways`,
    `added delay  p50 ${delay.p50.toFixed(2)} ms, p99 ${delay.p99.toFixed(2)} ms up; later than drawn: p50 ${late.p50.toFixed(0)} µs, p99 ${late.p99.toFixed(0)} µs`,
    `decoys       tcp ${decoys.tcp}, udp ${decoys.udp}, icmp ${decoys.icmp}; replies swallowed ${decoys.replies_swallowed}, leaked to the speaker ${decoys.replies_leaked}`,
    `drops        ${lost}`,
  ];
  if (shown.tunnel !== undefined) lines.push(tunnelLine(shown.tunnel));
  if (integrity !== undefined) {
    const { transfers, bad, connections, broken } = integrity;
    lines.push(`transfers    ${transfers}, of which bad ${bad}; connections ${connections}, of which broken ${broken}`);
  }
  return lines;
}

function tunnelLine({ sizes, handshake_packets, keepalives, leaked }: TunnelSeen): string {
  const way = (name: Way): string => {
    const found = Object.entries(sizes[name]).map(([bytes, n]) => `${n} of ${bytes} bytes`);
    return `${name} ${found.length > 3 ? `${found.length} sizes` : found.join(", ") || "none"}`;
  };
  return `tunnel       ${WAYS.map(way).join("; ")}; ${handshake_packets} handshake packets, ${keepalives} keep-alives; outside the tunnel ${leaked}`;
}

function percent(share: number): string {
  return `${share < 0 ? "" : "+"}${(share * 100).toFixed(1)} %`;
}

function figure(name: FeatureName, value: number): string {
  if (name.startsWith("n_")) return value.toFixed(0);
  if (name.endsWith("ipt") || name === "max_diff_time") return value.toFixed(4);
  return value.toFixed(1);
}

/** What the figures say, in a few sentences. */
export function story({ observers: { lan, wan }, tunnel }: DemoReport): string[] {
  const said: string[] = [];
  if (tunnel !== undefined) return tunnelStory(tunnel);
  const constant = lan.up.after.std_len_pack === 0;
  if (constant) {
    const length = lan.up.after.mean_len_pack.toFixed(0);
    said.push(
      `On the link to the router every frame of the speaker is ${length} bytes long: lengths say nothing there.`,
    );
  }
  if (constant && wan.up.after.std_len_pack > 0) {
    const [before = "", after = ""] = [wan.up.before, wan.up.after].map((f) => f.std_len_pack.toFixed(0));
    said.push(
      wan.up.after.std_len_pack < EVEN * wan.up.before.std_len_pack
        ? `Behind the router nearly every packet has one length too: std_len_pack ${before} before, ${after} after.`
        : `The router takes the trailers off, and lengths show again: std_len_pack ${before} before, ${after} after.`,
    );
  }
  if (wan.up.after.std_window === 0 && wan.up.before.std_window > 0) {
    said.push(`The speaker's TCP windows are ${wan.up.after.mean_window.toFixed(0)} bytes, always.`);
  }
  const kept = FEATURES.filter((name) => close(wan.up.before[name], wan.up.after[name]));
  if (kept.length === FEATURES.length) said.push("For the provider nothing has changed on the way up.");
  else if (kept.length > 0)
    said.push(`For the provider these are, on the way up, within 5 % of what they were: ${kept.join(", ")}.`);
  if (wan.down.after.n_pack_icmp > wan.down.before.n_pack_icmp) {
    said.push(
      "What comes down is as it was, but for what answers decoys and padding, which the box keeps from the speaker.",
    );
  }
  return said;
}

function tunnelStory({ sizes, handshake_packets, leaked }: TunnelSeen): string[] {
  const one = (way: Way): boolean => Object.keys(sizes[way]).length === 1;
  const said = [
    one("up") && one("down")
      ? "The provider sees one flow of packets of one size, both ways, and whom it leads to: addresses, ports, protocols, lengths and windows say nothing."
      : one("up")
        ? "The provider sees one flow; on the way up all packets have one size, on the way down they have their own: the far end is a stock peer."
        : "The provider sees one flow, and sizes.",
    `WireGuard's handshakes have sizes of their own: ${handshake_packets} packets, at fixed times.`,
  ];
  said.push(
    leaked === 0
      ? "Nothing of the speaker left outside the tunnel."
      : `${leaked} packets of the speaker left outside the tunnel.`,
  );
  return said;
}

function close(before: number, after: number): boolean {
  return Math.abs(after - before) <= 0.05 * Math.abs(before);
}
