import type { Status } from "../../../src/api/status.js";
import type { LaboratoryBox } from "../../support/laboratory-box.js";
import { pause } from "../child.js";

const DIRECTIONS = ["up", "down"] as const;
type Direction = (typeof DIRECTIONS)[number];

/** Counters are read while packets flow: a packet between two counters when they were read is on neither side the next time. */
const TRIES = 40;

/** What came in and where it is now, by direction. */
export interface Account {
  readonly in: number;
  readonly out: number;
  readonly swallowed: number;
  readonly dropped: number;
  readonly held: number;
}

/** Reads a direction's account from the status. */
export function accountOf(status: Status, direction: Direction): Account {
  const one = status[direction];
  if (one === null) throw new Error("the datapath does not run");
  const { counts, drops } = one;
  return {
    in: counts.packetsIn,
    out: counts.packetsOut,
    swallowed: counts.swallowedPackets,
    dropped: Object.values(drops).reduce((sum, n) => sum + n, 0),
    held: counts.heldPackets,
  };
}

/** How many packets are missing; 0 where all are accounted for. */
export function missing({ in: came, out, swallowed, dropped, held }: Account): number {
  return came - out - swallowed - dropped - held;
}

/** The account in words. */
export function inWords({ in: came, out, swallowed, dropped, held }: Account): string {
  return `${came} in = ${out} out + ${swallowed} swallowed + ${dropped} dropped + ${held} held`;
}

export async function statusOf(box: LaboratoryBox): Promise<Status> {
  const { status, body } = await box.ask("GET", "/api/v1/status");
  if (status !== 200) throw new Error(`GET status: ${status} ${JSON.stringify(body)}`);
  return body as Status;
}

/** Reads the status until every packet is accounted for in both directions; answers what is missing where that does not come about. */
export async function unaccounted(box: LaboratoryBox): Promise<string | null> {
  const open = new Map<Direction, string>(DIRECTIONS.map((direction) => [direction, ""]));
  for (let i = 0; i < TRIES && open.size > 0; i++) {
    const status = await statusOf(box);
    for (const direction of open.keys()) {
      const account = accountOf(status, direction);
      if (missing(account) === 0) open.delete(direction);
      else open.set(direction, `${direction}: ${inWords(account)}, ${missing(account)} missing`);
    }
    if (open.size > 0) await pause(5);
  }
  return open.size === 0 ? null : [...open.values()].join("; ");
}
