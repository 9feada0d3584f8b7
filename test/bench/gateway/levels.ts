/** What boxes do: heartbeats alone; episodes with a device that talks and is answered; the endless episode with the same. */
export const LEVELS = ["idle", "episode", "always"] as const;
export type Level = (typeof LEVELS)[number];

/** The gateway's address in carriers (src/daemon/tunnel/tunnel.ts). */
export const FAR_END = "100.127.255.254";

/** The load that `boxes.ts` is. */
export interface Load {
  readonly level: Level;
  readonly boxes: readonly {
    readonly keys: { readonly privateKey: string; readonly publicKey: string };
    readonly address: string;
  }[];
  /** The gateway: WireGuard's public key, address, port. */
  readonly publicKey: string;
  readonly gateway: string;
  readonly port: number;
  /** Who answers pings. */
  readonly world: string;
  /** Bytes of IP packet, and microseconds from one to the next. */
  readonly ping: { readonly bytes: number; readonly every: number };
  /** Seconds before it counts, and while. */
  readonly settle: number;
  readonly seconds: number;
}

/** What came of it: boxes with a session, carriers up and down, pings and answers. */
export interface LoadResult {
  readonly up: number;
  readonly sent: number;
  /** Those before it counted too. */
  readonly all: number;
  readonly received: number;
  readonly asked: number;
  readonly answered: number;
  /** Packets from the gateway that are no carriers. */
  readonly strange: number;
}

/** 36 kB/s each way: more than an episode's demand. */
export const PING = { bytes: 1200, every: 33_000 } as const;
