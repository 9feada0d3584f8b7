import { ipBytes } from "../../packet/ip-bytes.js";
import { DECOY, UP, type Packet } from "../../packet/packet.js";
import { NEVER, type Micros } from "../../time/micros.js";
import * as ethernet from "../../wire/ethernet.js";
import { PASS, SWALLOW, type Defense, type Verdict } from "../defense.js";
import type { PadOptions } from "../options.js";
import { FrameSize } from "./frame-size.js";
import { growDecoy } from "./grow-decoy.js";
import { GrownPackets } from "./grown-packets.js";
import { IcmpErrors } from "./icmp-errors.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { mechanismsOf } from "./mechanisms.js";
import { MssClamp } from "./mss-clamp.js";
import { SentSizes } from "./sent-sizes.js";
import { addTrailer } from "./trailer.js";
import { WATCHED, type Watched } from "./watched.js";

/** A mechanism, where it is counted, and whether it watches itself what becomes of its packets. */
interface Counted {
  readonly mechanism: Mechanism;
  readonly watched: Watched;
  readonly watchesItself: boolean;
  readonly packets: number;
  readonly bytes: number;
}

/**
 * Constant padding: every frame on the way up leaves at one size, decoys and frames that are not IP too (the paper's std_len_pack = 0). What
 * routers see grows by the first mechanism that knows how, up to what the path takes; the trailer covers the rest on the link to the router. With
 * `inside` frames toward the device leave at one size too, by a trailer alone: that is for who listens between box and device.
 */
export class Pad implements Defense {
  readonly name = "pad";
  readonly #modules: MechanismModules;
  /** What grows the IP packet itself. */
  readonly #inner: readonly Counted[];
  readonly #clamp: MssClamp | null;
  readonly #sizes: SentSizes;
  readonly #grown: GrownPackets;
  readonly #errors: IcmpErrors;
  readonly #trailer: boolean;
  readonly #size: FrameSize;
  readonly #insideSize: FrameSize | null;

  /** `mtu`, `insideMtu`: of the two cards, in bytes; no frame grows beyond that of the one by which it leaves. */
  constructor(options: PadOptions, mtu: number, modules: MechanismModules, insideMtu = mtu) {
    this.#modules = modules;
    this.#inner = mechanismsOf(options, modules).map((mechanism) => ({
      mechanism,
      watched: WATCHED[mechanism.name],
      watchesItself: mechanism.name === "tcpOverlap" || mechanism.name === "tcpReset",
      packets: modules.tally.place(`padded_packets_${mechanism.name}`),
      bytes: modules.tally.place(`padded_bytes_${mechanism.name}`),
    }));
    const fixed = typeof options.target === "number" ? options.target - ethernet.HEADER : mtu;
    this.#clamp = options.clampMss ? new MssClamp(mtu, fixed, modules) : null;
    this.#sizes = new SentSizes(modules.destinations);
    this.#grown = new GrownPackets(modules);
    this.#errors = new IcmpErrors({ ...modules, sizes: this.#sizes, grown: this.#grown });
    this.#trailer = options.trailer;
    this.#size = new FrameSize(options.target, mtu);
    this.#insideSize = options.inside ? new FrameSize(options.target, insideMtu) : null;
  }

  onPacket(packet: Packet, now: Micros): Verdict {
    if (packet.direction !== UP) return this.#down(packet, now);
    const size = this.#size.of(packet);
    if (this.#reachesRouters && packet.version !== 0 && !packet.home) this.#grow(packet, size, now);
    if (this.#trailer) addTrailer(packet, size);
    return PASS;
  }

  /** True where more is done than what the first router undoes. */
  get #reachesRouters(): boolean {
    return this.#inner.length > 0 || this.#clamp !== null;
  }

  wakeAt(): Micros {
    return NEVER;
  }

  onTick(): void {
    // Sizes do not depend on time.
  }

  /** What comes for the device loses what padding has earned, before its size is the one of all. */
  #down(packet: Packet, now: Micros): Verdict {
    const verdict = this.#clean(packet, now);
    if (verdict === PASS && this.#insideSize !== null) addTrailer(packet, this.#insideSize.of(packet));
    return verdict;
  }

  #grow(packet: Packet, size: number, now: Micros): void {
    const { destinations, paths, pool, random, tally, trust } = this.#modules;
    const destination = destinations.of(packet, pool.view);
    const target = Math.min(size, packet.network - packet.at + paths.limit(destination, now));
    if (packet.kind === DECOY) {
      growDecoy(packet, pool.view, target, random);
      return;
    }
    this.#sizes.note(destination, ipBytes(packet, pool.view), now);
    this.#grown.before(packet);
    this.#clamp?.onPacket(packet, destination, now);
    let plain = true;
    for (const { mechanism, watched, watchesItself, packets, bytes } of this.#inner) {
      const before = packet.added;
      mechanism.grow(packet, target, destination, now);
      if (packet.added === before) continue;
      tally.add(packets, 1);
      tally.add(bytes, packet.added - before);
      plain = false;
      if (!watchesItself) trust.grew(destination, watched, packet.protocol, ipBytes(packet, pool.view), now);
    }
    if (plain) trust.plain(destination, packet.protocol, now);
    else this.#grown.after(packet);
  }

  #clean(packet: Packet, now: Micros): Verdict {
    if (!this.#reachesRouters || packet.version === 0) return PASS;
    // The home router, too, says what does not fit beyond it.
    if (this.#errors.clean(packet, now) === SWALLOW) return SWALLOW;
    if (packet.home) return PASS;
    const { destinations, pool, trust } = this.#modules;
    const destination = destinations.of(packet, pool.view);
    this.#clamp?.onPacket(packet, destination, now);
    let verdict: Verdict = PASS;
    for (const { mechanism } of this.#inner) {
      if (mechanism.clean?.(packet, destination, now) !== SWALLOW) continue;
      verdict = SWALLOW;
      break;
    }
    // Whatever it is, the destination is there; a TCP mechanism has seen first what it acknowledges.
    trust.heard(destination, packet.protocol, now);
    return verdict;
  }
}
