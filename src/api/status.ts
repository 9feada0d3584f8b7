import { Type, type Static } from "typebox";
import { complete } from "../config/defaults.js";
import { topPreset } from "../config/resolve.js";
import {
  DELAY_BOUNDS,
  DIRECTIONS,
  DROPS,
  LATENESS_BOUNDS,
  SIDES,
  type Counters,
  type NicCounter,
} from "../datapath/counters.js";
import { slotLateness } from "../datapath/slot-lateness.js";
import { PEER_STATES, TUNNEL_PROBLEMS, TUNNEL_STATES } from "../datapath/tunnel-report.js";
import { DECOY_KINDS } from "../defense/schema.js";
import { REFUSALS } from "../metrics/defense.js";
import { overhead } from "../metrics/overhead.js";
import { quantile } from "../metrics/quantile.js";
import type { Door } from "./door.js";

function numbers<const K extends string>(keys: readonly K[], description: string) {
  return Type.Object(
    Object.fromEntries(keys.map((key) => [key, Type.Number()])) as Record<K, ReturnType<typeof Type.Number>>,
    { description },
  );
}

function quantiles(description: string) {
  const value = Type.Union([Type.Number(), Type.Null()]);
  return Type.Object({ p50: value, p99: value }, { description: `${description}; null while there is none.` });
}

const COUNTED = {
  packetsIn: "packets_in",
  bytesIn: "bytes_in",
  packetsOut: "packets_out",
  bytesOut: "bytes_out",
  paddingBytes: "padding_bytes",
  decoyPackets: "decoy_packets",
  decoyBytes: "decoy_bytes",
  delayedPackets: "delayed_packets",
  localPackets: "local_packets",
  betweenPackets: "between_packets",
  unknownPackets: "unknown_packets",
  swallowedPackets: "swallowed_packets",
  heldPackets: "held_packets",
} as const;

const CARD: readonly NicCounter[] = [
  "received",
  "sent",
  "dropped",
  "noSlot",
  "refused",
  "oversize",
  "partialChecksum",
  "downs",
];

const DirectionSchema = Type.Object({
  counts: numbers(Object.keys(COUNTED) as (keyof typeof COUNTED)[], "Since the start. Out: real packets alone."),
  drops: numbers(DROPS, "Real packets that did not leave, by reason."),
  overhead: numbers(["bytes", "packets"], "What left beyond the real packets, as a share of them."),
  addedDelayMilliseconds: quantiles("Time of real packets in the box"),
  latenessMicroseconds: quantiles("How much later than drawn delayed packets left"),
});

const EPISODES = ["demand", "decoy", "follower", "answered"] as const;

const SlotsSchema = Type.Object(
  {
    sent: Type.Integer({ description: "Since the start, heartbeats among them." }),
    empty: Type.Integer({ description: "Those without a packet of a device." }),
    missed: Type.Integer({ description: "Left out: overdue after a pause of the machine, or no memory for them." }),
    heartbeats: Type.Integer(),
    heard: Type.Integer({ description: "Carriers of the other end that came." }),
    lost: Type.Integer({ description: "Carriers of the other end that did not come." }),
    episodes: numbers(
      EPISODES,
      "By what began them: a demand, the decoys' draw, the one before, or (of a gateway) the box.",
    ),
    decoysRefused: Type.Integer({ description: "Decoy episodes that the month's budget did not pay for." }),
    running: Type.Integer({
      description: "Ends whose episode runs now: of a box 0 or 1, of a gateway up to one a box.",
    }),
    level: Type.Integer({ description: "0: full rate; each more is half of it, for a line that loses packets." }),
    waitingPackets: Type.Integer(),
    waitingBytes: Type.Integer(),
    latenessOverLoad: Type.Union([Type.Number(), Type.Null()], {
      description:
        "Correlation (Pearson) of each slot's lateness with the bytes that waited before it; null while either never differed.",
    }),
  },
  { description: "The schedule: what leaves when, and what in it." },
);

const TunnelSchema = Type.Object({
  role: Type.Enum(["box", "gateway"]),
  state: Type.Enum([...TUNNEL_STATES], {
    description:
      "Of the best peer. idle: nothing was sent yet. unreachable: nothing comes back. down: no interface. In each but up, devices' packets wait; none leaves another way.",
  }),
  interface: Type.String(),
  implementation: Type.Enum(["kernel", "wireguard-go"]),
  mtu: Type.Integer({ description: "Bytes of every packet inside the tunnel." }),
  handshakes: Type.Integer({ description: "Their packets are the only ones outside that differ in size." }),
  endpointChanges: Type.Integer(),
  clockJumps: Type.Integer(),
  repairs: Type.Integer({ description: "Times that an interface was gone or down and was made anew." }),
  problems: Type.Array(
    Type.Object({
      problem: Type.Enum([...TUNNEL_PROBLEMS]),
      peers: Type.Array(Type.String(), { description: "Whom it concerns, where that is known." }),
      seconds: Type.Number({ description: "How long it has held." }),
    }),
    {
      description:
        "What is wrong now. silent: WireGuard answers, and no hushbox behind it. shared-key: two machines seem to use one key. clock-behind: peers refuse handshakes. budget-spent: no decoys any more this month. full: packets were dropped.",
    },
  ),
  slots: SlotsSchema,
  farDecoys: Type.Object(
    { ours: Type.Integer(), otherVersion: Type.Integer() },
    {
      description:
        "Decoys of the far end that ended here; none at all: it is a stock peer, and the way down shows its sizes.",
    },
  ),
  peers: Type.Array(
    Type.Object({
      name: Type.String(),
      state: Type.Enum([...PEER_STATES]),
      endpoint: Type.Union([Type.String(), Type.Null()]),
      handshakeAgeSeconds: Type.Union([Type.Number(), Type.Null()]),
      handshakes: Type.Integer(),
      endpointChanges: Type.Integer(),
      receivedBytes: Type.Number(),
      sentBytes: Type.Number(),
    }),
    { description: "Of a box its far end, of a gateway its boxes." },
  ),
});

/** The answer of `GET /status`, and of the event of that name. */
export const StatusSchema = Type.Object({
  version: Type.String(),
  startedAt: Type.String({ description: "RFC 3339." }),
  uptimeSeconds: Type.Number(),
  ready: Type.Boolean({ description: "Packets flow." }),
  turning: Type.Boolean({ description: "The datapath's loop turns." }),
  preset: Type.String(),
  devices: Type.Integer({ description: "Configured devices." }),
  configuration: Type.Object({
    file: Type.String(),
    etag: Type.String(),
    saved: Type.Boolean({ description: "False where a change was made that the file does not hold." }),
  }),
  up: Type.Union([DirectionSchema, Type.Null()], {
    description: "From devices to the world; null until the datapath runs.",
  }),
  down: Type.Union([DirectionSchema, Type.Null()], {
    description: "From the world to devices; null until the datapath runs.",
  }),
  decoys: Type.Union(
    [
      Type.Object({
        sent: numbers(DECOY_KINDS, "By what they look like."),
        refused: numbers(REFUSALS, "Asked for and not sent, by reason."),
        bytesThisMonth: Type.Number(),
      }),
      Type.Null(),
    ],
    { description: "Packets with nothing in them." },
  ),
  cards: Type.Object({
    inside: Type.Object({
      interface: Type.String(),
      up: Type.Boolean(),
      counts: Type.Union([numbers(CARD, "Frames."), Type.Null()]),
    }),
    outside: Type.Object({
      interface: Type.String(),
      up: Type.Boolean(),
      counts: Type.Union([numbers(CARD, "Frames."), Type.Null()]),
    }),
  }),
  takeOver: Type.Object(
    {
      onFailure: Type.Enum(["open", "closed"]),
      bridge: Type.Union([Type.String(), Type.Null()], {
        description: "The kernel's bridge that joins the two cards; null: none, and without hushbox nothing passes.",
      }),
      armed: Type.Boolean({ description: "The bridge leaves the devices' frames to hushbox." }),
      isolated: Type.Boolean({
        description: "Frames between the devices and other stations of the access point pass hushbox too (isolate).",
      }),
      since: Type.Union([Type.String(), Type.Null()], { description: "RFC 3339; null while it is not armed." }),
      lapses: Type.Integer({
        description: "Times that hushbox stood still and the kernel went on without it, since the start.",
      }),
      guarded: Type.Boolean({ description: "What onFailure: closed keeps from passing without hushbox is kept." }),
    },
    { description: "Who carries the devices' frames where a bridge of the kernel joins the cards." },
  ),
  tunnel: Type.Union([TunnelSchema, Type.Null()], {
    description: "The way through WireGuard; null where the configuration names none.",
  }),
  flows: Type.Integer(),
  mechanismsOff: Type.Integer({
    description:
      "Mechanisms of pad that are off for a destination that does not take them; GET destinations lists them.",
  }),
});
export type Status = Static<typeof StatusSchema>;
type DirectionStatus = NonNullable<Status["up"]>;

/** What the box does now, in one object. */
export function statusOf(door: Door): Status {
  const { config, counters, tunnel } = door;
  const card = (side: (typeof SIDES)[number]) => ({
    interface: config[side],
    up: counters?.read(`${side}.up`) === 1,
    counts: counters === null ? null : pick(counters, CARD, (name) => `${side}.${name}`),
  });
  return {
    version: door.version,
    startedAt: new Date(door.startedAt).toISOString(),
    uptimeSeconds: Math.round((Date.now() - door.startedAt) / 1e3),
    ready: door.ready,
    turning: door.turning,
    preset: topPreset(config),
    devices: config.devices.length,
    configuration: { file: door.file, etag: door.etag, saved: door.saved },
    up: counters === null ? null : directionOf(counters, "up"),
    down: counters === null ? null : directionOf(counters, "down"),
    decoys:
      counters === null
        ? null
        : {
            sent: pick(counters, DECOY_KINDS, (kind) => `decoys_${kind}`),
            refused: pick(counters, REFUSALS, (reason) => `decoys_refused_${reason}`),
            bytesThisMonth: counters.read("budget_month_bytes"),
          },
    cards: { inside: card("inside"), outside: card("outside") },
    takeOver: takeOverOf(door),
    tunnel:
      tunnel === null
        ? null
        : {
            ...tunnel,
            peers: tunnel.peers.map((peer) => ({ ...peer })),
            problems: tunnel.problems.map(({ problem, peers, seconds }) => ({ problem, peers: [...peers], seconds })),
            slots: slotsOf(counters),
            farDecoys: {
              ours: counters?.read("far_decoys") ?? 0,
              otherVersion: counters?.read("far_decoys_of_other_version") ?? 0,
            },
          },
    flows: counters?.read("flows") ?? 0,
    mechanismsOff: counters?.read("mechanisms_off") ?? 0,
  };
}

function slotsOf(counters: Counters | null): Static<typeof SlotsSchema> {
  const read = (name: string): number => counters?.read(`tunnel_${name}`) ?? 0;
  const correlation = counters === null ? null : slotLateness(counters).correlation;
  return {
    sent: read("slots"),
    empty: read("empty"),
    missed: read("missed"),
    heartbeats: read("heartbeats"),
    heard: read("carriers"),
    lost: read("lost"),
    episodes: {
      demand: read("demands"),
      decoy: read("decoys"),
      follower: read("followers"),
      answered: read("answered"),
    },
    decoysRefused: read("refused"),
    running: read("busy"),
    level: read("level"),
    waitingPackets: read("waiting_packets"),
    waitingBytes: read("waiting_bytes"),
    latenessOverLoad: correlation === null ? null : Math.round(correlation * 1e4) / 1e4,
  };
}

function takeOverOf({ config, counters, bridge, guarded }: Door): Status["takeOver"] {
  const armed = counters?.read("take_over_armed") === 1;
  const ago = Number(process.hrtime.bigint()) / 1e6 - (counters?.read("take_over_since_us") ?? 0) / 1e3;
  return {
    onFailure: complete(config).onFailure,
    bridge,
    armed,
    isolated: counters?.read("take_over_isolated") === 1,
    since: armed ? new Date(Date.now() - ago).toISOString() : null,
    lapses: counters?.read("take_over_lapses") ?? 0,
    guarded,
  };
}

function directionOf(counters: Counters, direction: (typeof DIRECTIONS)[number]): DirectionStatus {
  const spread = (which: "delay" | "lateness", bounds: readonly number[], per: number) => {
    const { buckets } = counters.histogram(direction, which);
    const at = (q: number): number | null => {
      const value = quantile(q, bounds, buckets);
      return value === null ? null : Math.round((value / per) * 1e3) / 1e3;
    };
    return { p50: at(0.5), p99: at(0.99) };
  };
  return {
    counts: pick(counters, Object.keys(COUNTED) as (keyof typeof COUNTED)[], (name) => `${direction}.${COUNTED[name]}`),
    drops: pick(counters, DROPS, (reason) => `${direction}.drop_${reason}`),
    overhead: overhead(counters, direction),
    addedDelayMilliseconds: spread("delay", DELAY_BOUNDS, 1e3),
    latenessMicroseconds: spread("lateness", LATENESS_BOUNDS, 1),
  };
}

function pick<const K extends string>(
  counters: Counters,
  keys: readonly K[],
  counter: (key: K) => string,
): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, counters.read(counter(key))])) as Record<K, number>;
}
