import { integer, uniform, type Random } from "../random/random.js";
import { seconds, type Micros } from "../time/micros.js";
import type { Range } from "./calibration.js";
import { ENDPOINT_NAMES, type EndpointName } from "./endpoints.js";
import type { Activity, Family, Pace, Step, Transport } from "./plan.js";

type Body<S> = S extends unknown ? Omit<S, "at" | "activity"> : never;

/** The share of hosts that are met over IPv6, where nothing fixes the family (A: the captures are nearly all IPv4). */
const IPV6_SHARE = 0.3;

/** A plan in the making: steps in any order, times in unscaled seconds. */
export class Draft {
  readonly steps: Step[] = [];
  readonly #families: ReadonlyMap<EndpointName, Family>;
  readonly #kept = new Map<EndpointName, number>();
  #connections = 0;

  /** `random` decides which hosts are met over IPv6: a client stays with the family that worked. */
  constructor(random: Random) {
    this.#families = new Map(ENDPOINT_NAMES.map((name) => [name, uniform(random) < IPV6_SHARE ? 6 : 4]));
  }

  /** Adds a step. */
  add(at: number, activity: Activity, body: Body<Step>): void {
    this.steps.push({ at: seconds(at), activity, ...body });
  }

  /** Adds a connection; answers its number. */
  connect(
    at: number,
    activity: Activity,
    transport: Transport,
    endpoint: EndpointName,
    family: Family,
    keepAlive = 0,
  ): number {
    const connection = this.#connections++;
    this.add(at, activity, {
      action: "connect",
      connection,
      transport,
      endpoint,
      family,
      keepAlive: seconds(keepAlive),
    });
    return connection;
  }

  /** Adds a TLS connection that later visits to the endpoint use too; answers its number. */
  keep(at: number, activity: Activity, endpoint: EndpointName, family: Family, keepAlive: number): number {
    const connection = this.connect(at, activity, "tls", endpoint, family, keepAlive);
    this.#kept.set(endpoint, connection);
    return connection;
  }

  /** Adds a transfer on the TLS connection that is kept to the endpoint; else on one of its own: the name is looked up, then connected to, used, and closed `lingers` after the transfer's planned end. */
  visit(
    at: number,
    activity: Activity,
    transport: Transport,
    endpoint: EndpointName,
    transfer: { up: Pace[]; down: Pace[]; wait: number },
    lingers: number,
  ): void {
    const { up, down, wait } = transfer;
    const kept = transport === "tls" ? this.#kept.get(endpoint) : undefined;
    if (kept !== undefined) {
      this.add(at, activity, { action: "transfer", connection: kept, up, down, wait: seconds(wait) });
      return;
    }
    const family = this.#families.get(endpoint) ?? 4;
    this.add(at, activity, { action: "resolve", endpoint, family });
    const begin = at + 0.05;
    const connection = this.connect(begin, activity, transport, endpoint, family);
    this.add(begin, activity, { action: "transfer", connection, up, down, wait: seconds(wait) });
    this.add(begin + takes(up) + wait + takes(down) + lingers, activity, { action: "close", connection });
  }
}

/** Seconds that phases take. */
function takes(paces: readonly Pace[]): number {
  return paces.reduce((sum, { span }) => sum + span, 0) / 1e6;
}

/** A uniform number of a range. */
export function within(random: Random, [low, high]: Range): number {
  return low + uniform(random) * (high - low);
}

/** A uniform integer of a range. */
export function whole(random: Random, [low, high]: Range): number {
  return integer(random, low, high);
}

/** One of several. */
export function one<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[integer(random, 0, choices.length - 1)] ?? choices[0];
}

/** A phase of a transfer; `span` in seconds. */
export function pace(bytes: number, span: number, chunk: number): Pace {
  return { bytes: Math.max(0, Math.round(bytes)), span: Math.round(span * 1e6) as Micros, chunk };
}
