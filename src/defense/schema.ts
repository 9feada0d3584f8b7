import { Type, type Static } from "typebox";
import {
  DURATION,
  duration,
  PAD_TARGET_PATTERN,
  plain,
  SIZE,
  size,
  SIZE_PER_MONTH,
  sizePerMonth,
  type Codec,
} from "./quantity.js";
import type { DecoyKind } from "./defense.js";
import { PEERS } from "./options.js";
import type {
  BudgetOptions,
  DecoyOptions,
  DefenseOptions,
  EpisodeOptions,
  JitterOptions,
  PaceOptions,
  PadOptions,
  WindowOptions,
} from "./options.js";

const STRICT = { additionalProperties: false } as const;

/** What a decoy may look like. */
export const DECOY_KINDS = ["tcp", "udp", "icmp", "traceroute"] as const satisfies readonly DecoyKind[];

const WINDOW = ["100ms", "10min"] as const;

function flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** `pad` as it stands in a configuration. Every key may be absent: the preset decides then. */
export const PadSchema = Type.Object(
  {
    enabled: flag("Whether frames toward the world are padded."),
    target: Type.Optional(
      Type.String({
        title: "mtu, max, or the bytes of an Ethernet frame",
        examples: ["mtu", "max", "1514B"],
        pattern: PAD_TARGET_PATTERN,
        "x-between": ["60B", "1522B"],
        description:
          "What frames grow to: the largest frame of the outside card, the running maximum of the device's frames, or bytes of Ethernet frame from 60B to 1522B. Longer frames stay as they are.",
      }),
    ),
    trailer: flag(
      "Append zeros behind the IP packet, inside the Ethernet frame: every receiver and the first router drop them.",
    ),
    inside: flag(
      "Append such zeros to frames toward the devices too: between box and device, often on the air, they have one size. What the devices send there they do not change, nor group-addressed frames that a bridge of the kernel carries. Takes airtime.",
    ),
    udpSurplus: flag(
      "Append zeros behind UDP datagrams, inside the IP packet (RFC 9868): they pass routers, and receivers ignore them.",
    ),
    quicPrefix: flag(
      "Put a packet that nobody can decrypt before QUIC packets, in the same datagram: receivers skip it (RFC 9000, 12.2).",
    ),
    tcpOverlap: flag("Begin TCP segments with bytes that were sent before: receivers have them already and skip them."),
    tcpAcks: flag("The same for acknowledgments without payload, where both sides know SACK."),
    tcpFiller: flag(
      "Where nothing was sent before, let random bytes below the connection's first sequence number stand in.",
    ),
    tcpReset: flag("Append zeros to TCP resets."),
    icmpEcho: flag("Append zeros to echo requests (ping); replies are cut back."),
    ipv6Options: flag(
      "Add a destination options header of a type that receivers skip to IPv6 packets that nothing else fills. Many networks drop it.",
    ),
    clampMss: flag("Lower the maximum segment size that both sides announce to what a padded segment leaves room for."),
  },
  {
    ...STRICT,
    description:
      "Constant padding: frame lengths say nothing. The trailer covers the link to the router, the others the way behind it too.",
  },
);
export type PadFile = Static<typeof PadSchema>;

/** `jitter` as it stands in a configuration. */
export const JitterSchema = Type.Object(
  {
    enabled: flag("Whether packets toward the world are delayed at random."),
    variance: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1000,
        description:
          "The paper's ν: the noise on std_ipt has this multiple of the feature's own running variance. From 0 to 1000.",
      }),
    ),
    window: Type.Optional(
      duration({
        description: "How often the scale of the delays is drawn anew, and what the running variance is taken over.",
        between: WINDOW,
      }),
    ),
    maxDelay: Type.Optional(
      duration({
        description: "No packet is delayed for longer, so that calls and games stay usable.",
        between: ["0", "5s"],
      }),
    ),
  },
  { ...STRICT, description: "Gaussian jitter: gaps between packets say less. Order is kept." },
);
export type JitterFile = Static<typeof JitterSchema>;

/** `decoy` as it stands in a configuration. */
export const DecoySchema = Type.Object(
  {
    enabled: flag("Whether packets with nothing in them are sent among the real ones."),
    variance: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1000,
        description:
          "The paper's ν: the number of decoys a window has this multiple of the feature's own running variance. From 0 to 1000.",
      }),
    ),
    window: Type.Optional(duration({ description: "How often the number of decoys is drawn.", between: WINDOW })),
    kinds: Type.Optional(
      Type.Array(Type.Enum([...DECOY_KINDS]), {
        minItems: 1,
        maxItems: DECOY_KINDS.length,
        uniqueItems: true,
        description:
          "What decoys look like: tcp and udp go to random ports, icmp is an echo request, traceroute a series of them with rising TTL.",
      }),
    ),
    hops: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        description:
          "The TTL of decoys: they die after so many routers, so that no stranger is scanned. From 1 to 64; 64 reaches the real hosts.",
      }),
    ),
    size: Type.Optional(
      size({ description: "The length of a decoy's IP packet before padding.", between: ["60B", "1500B"] }),
    ),
  },
  {
    ...STRICT,
    description: "Decoys: counts of packets, protocols and ports say less. Replies never reach the device.",
  },
);
export type DecoyFile = Static<typeof DecoySchema>;

/** `pace` as it stands in a configuration. */
export const PaceSchema = Type.Object(
  {
    enabled: flag("Whether packets toward the world leave on a grid of slots."),
    interval: Type.Optional(
      duration({ description: "The spacing of the slots; each takes one packet.", between: ["100us", "1s"] }),
    ),
    maxDelay: Type.Optional(
      duration({
        description: "No packet is delayed for longer: what would be leaves in the last slot within it.",
        between: ["0", "5s"],
      }),
    ),
    maxGap: Type.Optional(
      duration({
        description: "Ask for a decoy where nothing has left for so long, within the budget; 0 never does.",
        between: ["0", "1h"],
      }),
    ),
  },
  { ...STRICT, description: "Pacing: the times of packets say less, and no gap is long. Order is kept." },
);
export type PaceFile = Static<typeof PaceSchema>;

/** `window` as it stands in a configuration. */
export const WindowSchema = Type.Object(
  {
    enabled: flag("Whether the TCP windows that the device announces are lowered to a constant."),
    size: Type.Optional(
      size({
        description:
          "The largest window that leaves; less, down to 14 KiB, for a device that begins its connections with less. It limits downloads to so many bytes a round trip.",
        between: ["4KiB", "1MiB"],
      }),
    ),
  },
  { ...STRICT, description: "Window clamp: TCP windows say nothing. Smaller ones pass as they are." },
);
export type WindowFile = Static<typeof WindowSchema>;

/** `episode` as it stands in a configuration. */
export const EpisodeSchema = Type.Object(
  {
    enabled: flag("Whether packets in the tunnel leave in the slots of episodes."),
    peer: Type.Optional(
      Type.Enum([...PEERS], {
        description:
          "What the tunnel ends at. stock: any WireGuard peer, which sends what comes down as it comes; hushbox: one with role gateway, which keeps the same schedule.",
      }),
    ),
    always: flag("One endless episode: slots day and night. Nothing is left to see, and it costs the most."),
    size: Type.Optional(
      size({
        description: "The plaintext of every slot; longer packets of the device are not taken.",
        between: ["640B", "1420B"],
      }),
    ),
    up: Type.Optional(duration({ description: "Between two slots on the way up.", between: ["1ms", "1s"] })),
    down: Type.Optional(
      duration({ description: "Between two slots on the way down, from the gateway.", between: ["1ms", "1s"] }),
    ),
    burst: Type.Optional(
      duration({
        description:
          "So long the slots at the beginning of the shortest plan are closer together: speech comes in a burst.",
        between: ["0", "1min"],
      }),
    ),
    faster: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 50, description: "How many times closer. From 1 to 50." }),
    ),
    duration: Type.Optional(duration({ description: "How long the shortest plan takes.", between: ["1s", "10min"] })),
    plans: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 8,
        description:
          "How many plans there are, each the shortest twice as often as the one before: an episode whose demand is not over is followed by the next. From 1 to 8.",
      }),
    ),
    demand: Type.Optional(
      size({
        description: "Bytes that must wait, at either end, for an episode to begin, and to be followed by another.",
        between: ["100B", "100kB"],
      }),
    ),
    heartbeat: Type.Optional(
      duration({
        description:
          "Between two slots while idle, for what is less than a demand; 0 sends none. From 10s on WireGuard itself breaks the silence.",
        between: ["0", "10min"],
      }),
    ),
    keepAlives: flag(
      "Answer the devices' TCP keep-alives at the box while they wait for heartbeats: else who asks once a second, as Node does, gives up after ten. They go on to the server all the same.",
    ),
    decoys: flag(
      "Begin episodes at random too, as often as the budget's month allows: a real one is then one of many.",
    ),
  },
  {
    ...STRICT,
    description:
      "Episodes: packets in the tunnel leave in slots whose times depend on nothing but when an episode began.",
  },
);
export type EpisodeFile = Static<typeof EpisodeSchema>;

/** Bounds on decoys as they stand in a configuration, of each device by itself. */
export const BudgetSchema = Type.Object(
  {
    packetsPerSecond: Type.Optional(
      Type.Number({ minimum: 0, maximum: 100_000, description: "Decoys a second. From 0 to 100000." }),
    ),
    bytesPerSecond: Type.Optional(
      size({ description: "Bytes of decoys a second, padding included.", between: ["0B", "1GB"] }),
    ),
    share: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 100,
        description:
          "Bytes of decoys as a share of the device's real bytes since the start; 1 allows as many again. From 0 to 100.",
      }),
    ),
    perMonth: Type.Optional(
      sizePerMonth({
        description: "Bytes of decoys a calendar month (UTC), kept across restarts: for lines with a volume limit.",
        between: ["0B/month", "1000000GB/month"],
      }),
    ),
  },
  { ...STRICT, description: "The limit on overhead, of each device by itself. Applies whatever the preset is." },
);
export type BudgetFile = Static<typeof BudgetSchema>;

/** All defenses as they stand in a configuration. Adding a defense adds a line here and one in CODECS. */
export const DefensesSchema = Type.Object(
  {
    pad: Type.Optional(PadSchema),
    jitter: Type.Optional(JitterSchema),
    decoy: Type.Optional(DecoySchema),
    pace: Type.Optional(PaceSchema),
    window: Type.Optional(WindowSchema),
    episode: Type.Optional(EpisodeSchema),
  },
  { ...STRICT, description: "Single values that differ from the preset's." },
);
export type DefensesFile = Static<typeof DefensesSchema>;
export type DefenseName = keyof DefenseOptions;

type Codecs<File, Inside> = { readonly [K in keyof Inside & keyof File]-?: Codec<NonNullable<File[K]>, Inside[K]> };

const PAD_TARGET: Codec<string, PadOptions["target"]> = {
  read: (text) => (text === "mtu" || text === "max" ? text : SIZE.read(text)),
  show: (target) => (typeof target === "number" ? SIZE.show(target) : target),
};

const PAD: Codecs<PadFile, PadOptions> = {
  enabled: plain(),
  target: PAD_TARGET,
  trailer: plain(),
  inside: plain(),
  udpSurplus: plain(),
  quicPrefix: plain(),
  tcpOverlap: plain(),
  tcpAcks: plain(),
  tcpFiller: plain(),
  tcpReset: plain(),
  icmpEcho: plain(),
  ipv6Options: plain(),
  clampMss: plain(),
};
const JITTER: Codecs<JitterFile, JitterOptions> = {
  enabled: plain(),
  variance: plain(),
  window: DURATION,
  maxDelay: DURATION,
};
const KINDS: Codec<DecoyKind[], readonly DecoyKind[]> = { read: (kinds) => [...kinds], show: (kinds) => [...kinds] };
const DECOY: Codecs<DecoyFile, DecoyOptions> = {
  enabled: plain(),
  variance: plain(),
  window: DURATION,
  kinds: KINDS,
  hops: plain(),
  size: SIZE,
};
const PACE: Codecs<PaceFile, PaceOptions> = {
  enabled: plain(),
  interval: DURATION,
  maxDelay: DURATION,
  maxGap: DURATION,
};
const WINDOWS: Codecs<WindowFile, WindowOptions> = { enabled: plain(), size: SIZE };
const EPISODE: Codecs<EpisodeFile, EpisodeOptions> = {
  enabled: plain(),
  peer: plain(),
  always: plain(),
  size: SIZE,
  up: DURATION,
  down: DURATION,
  burst: DURATION,
  faster: plain(),
  duration: DURATION,
  plans: plain(),
  demand: SIZE,
  heartbeat: DURATION,
  keepAlives: plain(),
  decoys: plain(),
};
const BUDGET: Codecs<BudgetFile, BudgetOptions> = {
  packetsPerSecond: plain(),
  bytesPerSecond: SIZE,
  share: plain(),
  perMonth: SIZE_PER_MONTH,
};

/** The names of all defenses, in chain order. */
export const DEFENSE_NAMES: readonly DefenseName[] = ["decoy", "jitter", "pace", "window", "pad", "episode"];

/** `base` with what the file says instead. */
export function overlayDefenses(base: DefenseOptions, file: DefensesFile): DefenseOptions {
  return {
    pad: overlay(PAD, base.pad, file.pad ?? {}),
    jitter: overlay(JITTER, base.jitter, file.jitter ?? {}),
    decoy: overlay(DECOY, base.decoy, file.decoy ?? {}),
    pace: overlay(PACE, base.pace, file.pace ?? {}),
    window: overlay(WINDOWS, base.window, file.window ?? {}),
    episode: overlay(EPISODE, base.episode, file.episode ?? {}),
  };
}

/** `base` with what the file says instead. */
export function overlayBudget(base: BudgetOptions, file: BudgetFile): BudgetOptions {
  return overlay(BUDGET, base, file);
}

/** All values of all defenses in the file's form. */
export function showDefenses(options: DefenseOptions) {
  return {
    pad: show(PAD, options.pad),
    jitter: show(JITTER, options.jitter),
    decoy: show(DECOY, options.decoy),
    pace: show(PACE, options.pace),
    window: show(WINDOWS, options.window),
    episode: show(EPISODE, options.episode),
  };
}

/** A budget in the file's form. */
export function showBudget(options: BudgetOptions) {
  return show(BUDGET, options);
}

function overlay<File extends object, Inside extends object>(
  codecs: Codecs<File, Inside>,
  base: Inside,
  file: File,
): Inside {
  const result = { ...base };
  for (const key of Object.keys(codecs) as (keyof Inside & keyof File)[]) {
    const value = file[key];
    if (value !== undefined && value !== null) result[key] = codecs[key].read(value);
  }
  return result;
}

function show<File extends object, Inside extends object>(codecs: Codecs<File, Inside>, inside: Inside) {
  const shown = {} as { [K in keyof Inside & keyof File]-?: NonNullable<File[K]> };
  for (const key of Object.keys(codecs) as (keyof Inside & keyof File)[]) shown[key] = codecs[key].show(inside[key]);
  return shown;
}
