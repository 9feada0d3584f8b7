/** `idle`: nothing was sent, so that nothing can be said. `connecting`: asked, no answer yet. `unreachable`: asked in vain. */
export const PEER_STATES = ["up", "idle", "connecting", "unreachable"] as const;
export type PeerState = (typeof PEER_STATES)[number];

/** That of the best peer. `down`: there is no interface. */
export const TUNNEL_STATES = ["up", "idle", "connecting", "unreachable", "down"] as const;
export type TunnelState = (typeof TUNNEL_STATES)[number];

/**
 * What is wrong with a tunnel that has a state of its own. `silent`: WireGuard answers, hushbox behind it does not. `shared-key`: two machines
 * seem to use one. `clock-behind`: peers refuse handshakes. `budget-spent`: no decoys any more. `full`: packets found no place to wait.
 */
export const TUNNEL_PROBLEMS = [
  "unreachable",
  "silent",
  "other-version",
  "shared-key",
  "clock-behind",
  "budget-spent",
  "full",
] as const;
export type TunnelProblem = (typeof TUNNEL_PROBLEMS)[number];

/** One of them that holds now. */
export interface TunnelTrouble {
  readonly problem: TunnelProblem;
  /** The peers concerned, by name, where it is known which. */
  readonly peers: readonly string[];
  /** How long it has held. */
  readonly seconds: number;
}

/** One peer of the tunnel as a person reads it. */
export interface PeerReport {
  readonly name: string;
  readonly state: PeerState;
  /** Address and port; null while nobody knows. */
  readonly endpoint: string | null;
  /** Null before the first. */
  readonly handshakeAgeSeconds: number | null;
  /** Since the start. */
  readonly handshakes: number;
  readonly endpointChanges: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** The tunnel as a person reads it. */
export interface TunnelReport {
  readonly role: "box" | "gateway";
  readonly state: TunnelState;
  readonly interface: string;
  readonly implementation: "kernel" | "wireguard-go";
  /** Bytes of every packet inside it. */
  readonly mtu: number;
  readonly handshakes: number;
  readonly endpointChanges: number;
  readonly clockJumps: number;
  /** Times that an interface was gone or down and was made anew. */
  readonly repairs: number;
  readonly problems: readonly TunnelTrouble[];
  readonly peers: readonly PeerReport[];
}
