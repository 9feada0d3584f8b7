import type { PeerReport, PeerState } from "../../datapath/tunnel-report.js";
import type { Log } from "../../log/log.js";
import type { WgPeer } from "./wg-file.js";
import type { PeerReading } from "./wg-interface.js";

/** Beyond this a session is dead and only another handshake helps (WireGuard's REJECT_AFTER_TIME), in milliseconds. */
const SESSION = 180_000;
/**
 * Who has said nothing for so long after something was sent is not there: a peer with nothing to say sends a keep-alive after 10 s, and
 * handshakes are tried again every 5 s (KEEPALIVE_TIMEOUT, REKEY_TIMEOUT). In milliseconds.
 */
const PATIENCE = 20_000;
/** So long a handshake, or a return to an address that was left, is one of late, in milliseconds. */
const LATELY = 120_000;
/** More of them than one machine has that roams, or a line that comes and goes; a session in use has one handshake in this time. */
const RETURNS = 3;
const HANDSHAKES = 5;
/** Addresses of one peer that are remembered at once. */
const PLACES = 16;
/** A difference of the two clocks that is no drift, in milliseconds. */
const JUMP = 2_000;

interface Known {
  state: PeerState;
  handshake: number;
  handshakes: number;
  endpoint: string | null;
  endpointChanges: number;
  sent: number;
  received: number;
  /** Since when something that was sent waits for any answer, in milliseconds of the monotonic clock; -1 where nothing does. */
  waitingSince: number;
  /** When the last handshake was seen. */
  shookAt: number;
  /** When handshakes were seen of late, and returns to addresses; both oldest first. */
  shooks: number[];
  returns: number[];
  /** Addresses that it was at of late, with when. */
  readonly places: Map<string, number>;
}

/** Makes states and log lines of what WireGuard says, look by look. No clock of its own. */
export class TunnelWatch {
  readonly #peers: readonly WgPeer[];
  readonly #log: Log;
  readonly #known = new Map<string, Known>();
  #difference: number | null = null;
  /** The furthest that the clock was ahead since the last handshake: that may be what peers have seen. */
  #furthest = -Infinity;
  clockJumps = 0;

  constructor(peers: readonly WgPeer[], log: Log) {
    this.#peers = peers;
    this.#log = log;
  }

  /** One look. `now`: monotonic, `wall`: since 1970, both in milliseconds. */
  look(readings: readonly PeerReading[], now: number, wall: number): void {
    this.#clock(now, wall);
    for (const peer of this.#peers) {
      const reading = readings.find(({ publicKey }) => publicKey === peer.publicKey);
      if (reading !== undefined) this.#peer(peer, reading, now);
    }
  }

  /** The interface is another one: counters and handshakes begin anew. */
  restarted(): void {
    for (const known of this.#known.values())
      Object.assign(known, { sent: 0, received: 0, handshake: 0, waitingSince: -1 });
  }

  /** Peers whose sessions change as where two machines use one key: by turns. */
  contested(now: number): string[] {
    return this.#peers.flatMap(({ name, publicKey }) => {
      const known = this.#known.get(publicKey);
      if (known === undefined) return [];
      const late = (times: readonly number[]): number => times.filter((at) => now - at < LATELY).length;
      return late(known.returns) >= RETURNS || late(known.shooks) >= HANDSHAKES ? [name] : [];
    });
  }

  /** Seconds by which the clock is behind what peers may have seen of it; 0 where it is not. */
  get behind(): number {
    const behind = this.#furthest - (this.#difference ?? 0);
    return behind < JUMP ? 0 : Math.round(behind / 1e3);
  }

  reports(now: number): PeerReport[] {
    return this.#peers.map(({ name, publicKey }) => {
      const known = this.#known.get(publicKey) ?? fresh();
      return {
        name,
        state: known.state,
        endpoint: known.endpoint,
        handshakeAgeSeconds: known.handshakes === 0 ? null : Math.round((now - known.shookAt) / 100) / 10,
        handshakes: known.handshakes,
        endpointChanges: known.endpointChanges,
        receivedBytes: known.received,
        sentBytes: known.sent,
      };
    });
  }

  #peer({ name, publicKey }: WgPeer, reading: PeerReading, now: number): void {
    let known = this.#known.get(publicKey);
    if (known === undefined) this.#known.set(publicKey, (known = fresh()));
    if (reading.handshake !== 0 && reading.handshake !== known.handshake) {
      known.handshakes++;
      known.shookAt = now;
      known.shooks = [...known.shooks.filter((at) => now - at < LATELY), now];
      // Who shook hands takes our timestamps.
      this.#furthest = this.#difference ?? -Infinity;
    }
    // Who moves is seen by what comes from there; where nothing came, it is looked for elsewhere (EndpointSearch).
    const came = reading.received > known.received;
    if (came && reading.endpoint !== null && reading.endpoint !== known.endpoint) {
      const left = known.places.get(reading.endpoint);
      if (left !== undefined && now - left < LATELY) known.returns = [...known.returns.slice(1 - RETURNS), now];
    }
    if (reading.endpoint !== null) {
      if (known.places.size >= PLACES) known.places.clear();
      known.places.set(reading.endpoint, now);
    }
    if (came && known.endpoint !== null && reading.endpoint !== null && known.endpoint !== reading.endpoint) {
      known.endpointChanges++;
      this.#log.info("the tunnel's peer is at another address now", { peer: name, endpoint: reading.endpoint });
    }
    if (came) known.waitingSince = -1;
    else if (reading.sent > known.sent && known.waitingSince < 0) known.waitingSince = now;
    const shook = known.handshakes > 0 && reading.handshake !== 0 && now - known.shookAt <= SESSION;
    const waits = known.waitingSince >= 0;
    const state =
      waits && now - known.waitingSince > PATIENCE ? "unreachable" : shook ? "up" : waits ? "connecting" : "idle";
    if (state !== known.state) this.#tell(name, known.state, state, known.handshakes > 0);
    Object.assign(known, {
      state,
      handshake: reading.handshake,
      endpoint: reading.endpoint ?? known.endpoint,
      sent: reading.sent,
      received: reading.received,
    });
  }

  #tell(peer: string, before: PeerState, state: PeerState, known: boolean): void {
    if (state === "up") {
      this.#log.info(before === "unreachable" ? "the tunnel's peer is back" : "the tunnel is up", { peer });
    } else if (state === "unreachable") {
      this.#log.error(
        known
          ? "the tunnel's peer no longer answers; devices wait, nothing of them leaves outside the tunnel"
          : "the tunnel's peer does not answer: compare its Endpoint, both public keys and the firewall before it, and this machine's clock, which must not be behind that of earlier handshakes; nothing of the devices leaves outside the tunnel",
        { peer },
      );
    }
  }

  #clock(now: number, wall: number): void {
    const difference = wall - now;
    const before = this.#difference;
    this.#difference = difference;
    this.#furthest = Math.max(this.#furthest, difference);
    if (before === null || Math.abs(difference - before) < JUMP) return;
    this.clockJumps++;
    const seconds = Math.round((difference - before) / 1e3);
    this.#log.warn(
      seconds < 0
        ? "the clock was set back: the tunnel's peer refuses handshakes until it has caught up (WireGuard's timestamps)"
        : "the clock was set forward",
      { seconds },
    );
  }
}

function fresh(): Known {
  return {
    state: "idle",
    handshake: 0,
    handshakes: 0,
    endpoint: null,
    endpointChanges: 0,
    sent: 0,
    received: 0,
    waitingSince: -1,
    shookAt: 0,
    shooks: [],
    returns: [],
    places: new Map(),
  };
}
