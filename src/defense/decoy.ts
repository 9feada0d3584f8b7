import { REAL, UP, type Packet } from "../packet/packet.js";
import { gaussian, uniform, type Random } from "../random/random.js";
import { after, NEVER, type Micros } from "../time/micros.js";
import { PASS, type Asks, type Defense, type DecoyKind, type Verdict } from "./defense.js";
import type { DecoyOptions } from "./options.js";
import { RunningVariance } from "./running-variance.js";

const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ICMPV6 = 58;

/** A counted feature of the current window and its running variance over past windows. */
class Feature {
  readonly variance = new RunningVariance();
  count = 0;

  /** Ends the window; answers |N(0, ν·σ²)|, rounded up or down at random so that the mean is kept. */
  draw(multiplier: number, random: Random): number {
    this.variance.add(this.count);
    this.count = 0;
    const drawn = Math.abs(gaussian(random)) * Math.sqrt(multiplier) * this.variance.deviation;
    return Math.floor(drawn + uniform(random));
  }
}

/** Cuts three wishes down to a total: the smallest is met first, so that many TCP decoys leave room for the few ICMP ones. */
export function shareOut(wishes: readonly [number, number, number], total: number): [number, number, number] {
  const shares: [number, number, number] = [0, 0, 0];
  const ascending = [0, 1, 2].sort((a, b) => (wishes[a] ?? 0) - (wishes[b] ?? 0));
  let left = total;
  ascending.forEach((which, i) => {
    const share = Math.min(wishes[which] ?? 0, Math.floor(left / (3 - i)));
    shares[which] = share;
    left -= share;
  });
  return shares;
}

/**
 * Gaussian noise on `n_pack_tcp`, `n_pack_udp`, `n_pack_icmp` and `n_port_unique`: per window n = |N(0, ν·σ²)| decoys of each kind, σ² the
 * running variance of the feature over past windows of the undefended side, spread evenly at random over the next window. A packet cannot
 * be taken away, so the noise is one-sided.
 */
export class Decoy implements Defense {
  readonly name = "decoy";
  readonly #options: DecoyOptions;
  readonly #random: Random;
  readonly #tcp = new Feature();
  readonly #udp = new Feature();
  readonly #icmp = new Feature();
  readonly #ports = new Feature();
  /** A bit for each port seen in the window. */
  readonly #seen = new Uint32Array(2048);
  /** Decoys still to come in this window, and how many of the TCP and UDP ones go to fresh ports. */
  #tcpLeft = 0;
  #udpLeft = 0;
  #icmpLeft = 0;
  #freshLeft = 0;
  #windowEnd: Micros;
  #nextAt: Micros = NEVER;

  constructor(options: DecoyOptions, random: Random, now: Micros) {
    this.#options = options;
    this.#random = random;
    this.#windowEnd = after(now, options.window);
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP || packet.kind !== REAL || packet.local) return PASS;
    if (packet.protocol === TCP || packet.protocol === UDP) {
      if (packet.protocol === TCP) this.#tcp.count++;
      else this.#udp.count++;
      this.#port(packet.sourcePort);
      this.#port(packet.destinationPort);
    } else if (packet.protocol === ICMP || packet.protocol === ICMPV6) {
      this.#icmp.count++;
    }
    return PASS;
  }

  wakeAt(): Micros {
    return this.#nextAt < this.#windowEnd ? this.#nextAt : this.#windowEnd;
  }

  onTick(now: Micros, asks: Asks): void {
    while (this.#nextAt <= now) {
      this.#ask(this.#nextAt, asks);
      this.#schedule(this.#nextAt);
    }
    if (now >= this.#windowEnd) this.#draw(now, asks);
  }

  #port(port: number): void {
    const bit = 1 << (port & 31);
    const word = this.#seen[port >> 5] ?? 0;
    if ((word & bit) !== 0) return;
    this.#seen[port >> 5] = word | bit;
    this.#ports.count++;
  }

  #draw(now: Micros, asks: Asks): void {
    const { variance, kinds } = this.#options;
    const tcp = this.#tcp.draw(variance, this.#random);
    const udp = this.#udp.draw(variance, this.#random);
    const icmp = this.#icmp.draw(variance, this.#random);
    // A decoy on fresh ports brings two new ones, its source and its destination.
    this.#freshLeft = Math.ceil(this.#ports.draw(variance, this.#random) / 2);
    this.#seen.fill(0);
    const echo = kinds.includes("icmp") || kinds.includes("traceroute");
    [this.#tcpLeft, this.#udpLeft, this.#icmpLeft] = shareOut(
      [kinds.includes("tcp") ? tcp : 0, kinds.includes("udp") ? udp : 0, echo ? icmp : 0],
      Math.floor(asks.affordable(this.#options.window)),
    );
    this.#windowEnd = after(now, this.#options.window);
    this.#schedule(now);
  }

  /** The first of n moments drawn evenly over what is left of the window: 1 - U^(1/n) of it. */
  #schedule(from: Micros): void {
    const n = this.#tcpLeft + this.#udpLeft + this.#icmpLeft;
    if (n === 0) {
      this.#nextAt = NEVER;
      return;
    }
    const left = Math.max(0, this.#windowEnd - from);
    this.#nextAt = (from + left * (1 - uniform(this.#random) ** (1 / n))) as Micros;
  }

  #ask(at: Micros, asks: Asks): void {
    const ported = this.#tcpLeft + this.#udpLeft;
    const pick = uniform(this.#random) * (ported + this.#icmpLeft);
    let kind: DecoyKind;
    let fresh = false;
    if (pick < ported) {
      fresh = uniform(this.#random) * ported < this.#freshLeft;
      if (fresh) this.#freshLeft--;
      kind = pick < this.#tcpLeft ? "tcp" : "udp";
      if (kind === "tcp") this.#tcpLeft--;
      else this.#udpLeft--;
    } else {
      kind = this.#echo();
      // A traceroute is a series; each packet of it counts against the draw.
      this.#icmpLeft = Math.max(0, this.#icmpLeft - (kind === "traceroute" ? this.#options.hops : 1));
    }
    asks.decoy(kind, at, fresh);
  }

  #echo(): DecoyKind {
    const { kinds } = this.#options;
    if (!kinds.includes("traceroute")) return "icmp";
    if (!kinds.includes("icmp")) return "traceroute";
    return uniform(this.#random) < 0.5 ? "icmp" : "traceroute";
  }
}
