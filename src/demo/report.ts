import type { Features } from "../features/features.js";
import type { Look } from "./tuples.js";

export const OBSERVED = ["lan", "wan"] as const;
export type ObserverName = (typeof OBSERVED)[number];
export const WAYS = ["up", "down"] as const;
export type Way = (typeof WAYS)[number];

/** What an observer makes of one direction, without the box and with it. */
export interface BeforeAfter {
  readonly before: Features;
  readonly after: Features;
}

/** What was seen at the three places so far; all of it from captures. */
export interface Seen {
  readonly observers: Readonly<Record<ObserverName, Readonly<Record<Way, BeforeAfter>>>>;
  /** What was added on the link to the router, both directions together, as a share of what the device itself sent and received. */
  readonly overhead: { readonly bytes: number; readonly packets: number };
  /** Of packets from the device to the world. */
  readonly added_delay_ms: { readonly p50: number; readonly p99: number };
  /** By what they look like on the link to the router. */
  readonly decoys: Readonly<Record<Look, number>>;
  /** Answers to decoys on the device's own link. */
  readonly replies_leaked: number;
}

/** What an observer of a tunnel sees of it, counted in packets. */
export interface TunnelSeen {
  /** Frames with WireGuard's data, by bytes. */
  readonly sizes: Readonly<Record<Way, Readonly<Record<string, number>>>>;
  /** Initiations, responses, confirmations without data, cookies: these have sizes of their own. */
  readonly handshake_packets: number;
  /** Data without a packet: idle enough to show. */
  readonly keepalives: number;
  readonly fragments: number;
  /** ICMP errors about WireGuard's packets. */
  readonly errors: number;
  /** Packets of the device outside the tunnel. */
  readonly leaked: number;
  /** The first of these, in words. */
  readonly strays: readonly string[];
}

/** The result of a demo: what `--json` prints. */
export interface DemoReport {
  readonly preset: string;
  readonly seconds: number;
  readonly observers: Seen["observers"];
  readonly overhead: Seen["overhead"];
  readonly added_delay_ms: Seen["added_delay_ms"];
  /** Actual minus drawn departure, as the box itself measures it. */
  readonly lateness_us: { readonly p50: number; readonly p99: number };
  readonly drops: Readonly<Record<string, number>>;
  readonly decoys: Readonly<Record<Look | "replies_swallowed" | "replies_leaked", number>>;
  /** Only with a tunnel. */
  readonly tunnel?: TunnelSeen;
  /** Only with a tunnel: slots that the box has sent, and how their lateness correlates with what waited before them. */
  readonly slots?: { readonly sent: number; readonly lateness_over_load: number | null };
  /**
   * Transfers between speaker and cloud; bad: one whose bytes were wrong or that never came to its end. Connections; broken: one that ended
   * before the speaker ended it, whether or not a transfer ran.
   */
  readonly integrity: Readonly<Record<"transfers" | "bad" | "connections" | "broken", number>>;
}

/** Whether everything held that must hold. */
export function passed(report: DemoReport): boolean {
  const { bad, broken } = report.integrity;
  return bad === 0 && broken === 0 && report.decoys.replies_leaked === 0 && tight(report);
}

/** With a tunnel: nothing beside it, and one size; a stock peer sends what comes down as it comes. */
function tight({ preset, tunnel }: DemoReport): boolean {
  if (tunnel === undefined) return true;
  const { sizes, keepalives, leaked } = tunnel;
  const one = (way: Way): boolean => Object.keys(sizes[way]).length === 1;
  return leaked === 0 && one("up") && (preset === "tunnel" || (one("down") && keepalives === 0));
}
