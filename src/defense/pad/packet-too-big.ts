import type { Packet } from "../../packet/packet.js";
import { millis, type Micros } from "../../time/micros.js";
import { fold, sum, transportValid } from "../../wire/checksum.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../wire/protocol.js";
import { before, distance } from "../../wire/sequence.js";
import * as tcp from "../../wire/tcp.js";
import { PASS, SWALLOW, type Verdict } from "../defense.js";
import { isWhole } from "./lengthen.js";
import type { MechanismModules } from "./mechanism.js";
import { Paths } from "./paths.js";
import { Quote } from "./quote.js";
import type { SentSizes } from "./sent-sizes.js";

/** MTUs that are met in practice, for routers that do not name theirs (RFC 1191, 7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];
/** How far before the oldest byte in flight a quoted segment may begin: bytes that padding repeats, and acknowledgments that passed the error. */
const BEHIND = 1 << 16;

/** A TCP connection that was told has made its segments smaller long before it would send one again by the clock (Linux: 200 ms). */
const TOLD = millis(150);

/**
 * Reads what routers say of packets that are too big for their path (RFC 1191, RFC 8201): later ones to that host grow no further. Where
 * only padding was too big, the error ends here, for the device has sent nothing that it could make smaller. Anybody can send such an
 * error, so it must quote a packet of a flow that is there (RFC 5927, 4.1). Of a TCP connection's packets in flight some are too big only by
 * padding where others are without it: the connection hears of one, and of none with a sequence number from before its window, which only
 * padding can have given it.
 */
export class PacketTooBig {
  readonly #sizes: SentSizes;
  readonly #modules: Pick<MechanismModules, "pool" | "flows" | "tcp" | "destinations" | "paths" | "trust" | "tally">;
  readonly #quote = new Quote();
  /** By flow: when its device was told last, and of which owner of the flow's place that was. */
  readonly #toldAt: Float64Array;
  readonly #generation: Uint32Array;
  readonly #swallowed: number;
  readonly #learned: number;

  constructor(
    sizes: SentSizes,
    modules: Pick<MechanismModules, "pool" | "flows" | "tcp" | "destinations" | "paths" | "trust" | "tally">,
  ) {
    this.#sizes = sizes;
    this.#modules = modules;
    this.#toldAt = new Float64Array(modules.flows.capacity);
    this.#generation = new Uint32Array(modules.flows.capacity);
    this.#swallowed = modules.tally.place("errors_swallowed");
    this.#learned = modules.tally.place("paths_learned");
  }

  /** For each packet on its way down. */
  clean(packet: Packet, now: Micros): Verdict {
    const { pool, destinations, paths, trust, tally } = this.#modules;
    const { view } = pool;
    const quote = this.#quote;
    if (!isTooBig(packet, view) || !quote.read(packet, view)) return PASS;
    const { version } = quote;
    const mtu = version === 4 ? nextHop4(view, packet.transport, quote.length) : icmpv6.mtu(view, packet.transport);
    if (mtu >= quote.length || !isIntact(packet, view)) return PASS;
    const destination = destinations.known(view, quote.destination, version);
    const largest = this.#sizes.largest(destination, now);
    const flow = largest === 0 ? -1 : this.#flow(packet, view);
    if (flow === -1) return PASS;
    if (mtu < Paths.least(version)) {
      // IPv6 knows no such link (RFC 8201, 4: discard). Over IPv4 the device may let go of DF, and then routers cut what is padded, too.
      if (version === 4) paths.lower(destination, mtu, now);
      return PASS;
    }
    if (mtu < paths.limit(destination, now)) tally.add(this.#learned, 1);
    paths.named(destination, mtu, now);
    trust.explained(destination, quote.protocol, now);
    if (largest > mtu && this.#isNews(flow, view, now)) return PASS;
    tally.add(this.#swallowed, 1);
    return SWALLOW;
  }

  /** True where the flow's device does not know it yet. */
  #isNews(flow: number, view: DataView, now: Micros): boolean {
    if (this.#quote.protocol !== TCP) return true;
    const { flows, tcp: segments } = this.#modules;
    if (before(tcp.sequence(view, this.#quote.transport), segments.unacknowledged(flow))) return false;
    const generation = flows.generation(flow);
    if (this.#generation[flow] === generation && now - (this.#toldAt[flow] ?? 0) < TOLD) return false;
    this.#generation[flow] = generation;
    this.#toldAt[flow] = now;
    return true;
  }

  /** The flow of the quoted packet, where it can be one that the device sent; else -1. */
  #flow(packet: Packet, view: DataView): number {
    const { flows, tcp: segments } = this.#modules;
    const { version, protocol, source, destination, transport } = this.#quote;
    const ported = protocol === TCP || protocol === UDP;
    const ports = ported ? view.getInt32(transport) : 0;
    const flow = flows.find(packet.device, version, protocol, view, source, destination, ports);
    if (flow === -1 || protocol !== TCP) return flow;
    const sequence = tcp.sequence(view, transport);
    const inWindow =
      distance(sequence, segments.next(flow)) >= 0 && distance(segments.unacknowledged(flow), sequence) >= -BEHIND;
    return inWindow ? flow : -1;
  }
}

function isTooBig(packet: Packet, view: DataView): boolean {
  const { version, protocol, transport } = packet;
  if (packet.fragment) return false;
  if (version === 4 && protocol === ICMP)
    return view.getUint16(transport) === ((icmp.UNREACHABLE << 8) | icmp.FRAGMENTATION_NEEDED);
  return version === 6 && protocol === ICMPV6 && icmpv6.type(view, transport) === icmpv6.PACKET_TOO_BIG;
}

/** The MTU that an error names, or the largest usual one below what was too big. */
function nextHop4(view: DataView, transport: number, length: number): number {
  const named = icmp.nextHopMtu(view, transport);
  if (named !== 0) return named;
  for (const plateau of PLATEAUS) if (plateau < length) return plateau;
  return length;
}

/** False where the checksum is wrong. Of a message that a capture cut, it cannot be known. */
function isIntact(packet: Packet, view: DataView): boolean {
  const { version, network, transport, end } = packet;
  if (!isWhole(packet)) return true;
  if (version === 4) return fold(sum(view, transport, end - transport)) === 0;
  return transportValid(view, 6, network, ICMPV6, transport, end);
}
