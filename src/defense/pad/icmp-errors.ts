import type { Packet } from "../../packet/packet.js";
import { millis, type Micros } from "../../time/micros.js";
import { TCP, UDP } from "../../wire/protocol.js";
import { before, distance } from "../../wire/sequence.js";
import * as tcp from "../../wire/tcp.js";
import { PASS, SWALLOW, type Verdict } from "../defense.js";
import type { GrownPackets } from "./grown-packets.js";
import type { MechanismModules } from "./mechanism.js";
import { PacketTooBig } from "./packet-too-big.js";
import { Quote } from "./quote.js";
import type { SentSizes } from "./sent-sizes.js";

/** How far before the oldest byte in flight a quoted segment may begin: bytes that padding repeats, and acknowledgments that passed the error. */
const BEHIND = 1 << 16;
const NONE = -1;
/** A TCP connection that was told has made its segments smaller long before it would send one again by the clock (Linux: 200 ms). */
const TOLD = millis(150);

/** What it works with. */
export interface IcmpErrorsModules extends Pick<
  MechanismModules,
  "pool" | "flows" | "tcp" | "destinations" | "paths" | "trust" | "tally"
> {
  /** What the device sends, before anybody grows it. */
  readonly sizes: SentSizes;
  readonly grown: GrownPackets;
}

/**
 * ICMP errors on their way down. Where only padding was too big for a path, the error ends here, for the device has sent nothing that it
 * could make smaller; of a path that is too narrow for its own segments a TCP connection hears once. All others get to the device, and quote
 * the packet as it was when the device sent it: its TCP finds a segment by the sequence number, which padding has changed.
 */
export class IcmpErrors {
  readonly #modules: IcmpErrorsModules;
  readonly #quote = new Quote();
  readonly #tooBig: PacketTooBig;
  /** By flow: when its device was told last that a path is narrow, and of which owner of the flow's place that was. */
  readonly #toldAt: Float64Array;
  readonly #generation: Uint32Array;
  readonly #swallowed: number;
  readonly #restored: number;

  constructor(modules: IcmpErrorsModules) {
    this.#modules = modules;
    this.#tooBig = new PacketTooBig(modules);
    this.#toldAt = new Float64Array(modules.flows.capacity).fill(-Infinity);
    this.#generation = new Uint32Array(modules.flows.capacity);
    this.#swallowed = modules.tally.place("errors_swallowed");
    this.#restored = modules.tally.place("errors_restored");
  }

  /** For each packet on its way down. */
  clean(packet: Packet, now: Micros): Verdict {
    const { pool, destinations, sizes, grown, trust, tally } = this.#modules;
    const { view } = pool;
    const quote = this.#quote;
    if (!quote.read(packet, view)) return PASS;
    const flow = this.#flow(packet, view);
    if (flow === NONE) return PASS;
    const place = grown.find(packet, quote, flow);
    const mtu = this.#tooBig.mtu(packet, view, quote);
    if (mtu !== 0) {
      const destination = destinations.known(view, quote.destination, quote.version);
      const largest = sizes.largest(destination, now);
      if (largest === 0) return PASS;
      if (this.#tooBig.learn(destination, mtu, now)) {
        trust.explained(destination, quote.protocol, now);
        // What is not remembered may be as long as what the device has sent lately; or it has forgotten what padding made of it.
        const own = place === NONE ? largest : grown.original(place);
        if (own <= mtu || (place === NONE && this.#isOld(flow, view)) || !this.#isNews(flow, now)) {
          tally.add(this.#swallowed, 1);
          return SWALLOW;
        }
      }
    }
    if (place !== NONE && grown.restore(packet, quote, place)) tally.add(this.#restored, 1);
    return PASS;
  }

  /** True where the quoted segment begins before the flow's window: only padding can have made it begin there. */
  #isOld(flow: number, view: DataView): boolean {
    const { protocol, transport } = this.#quote;
    if (protocol !== TCP) return false;
    return before(tcp.sequence(view, transport), this.#modules.tcp.unacknowledged(flow));
  }

  /** True where the flow's device does not know of its path yet: of datagrams each is told of. */
  #isNews(flow: number, now: Micros): boolean {
    if (this.#quote.protocol !== TCP) return true;
    const generation = this.#modules.flows.generation(flow);
    if (this.#generation[flow] === generation && now - (this.#toldAt[flow] ?? 0) < TOLD) return false;
    this.#generation[flow] = generation;
    this.#toldAt[flow] = now;
    return true;
  }

  /** The flow in which the device can have sent the quoted packet, or -1. */
  #flow(packet: Packet, view: DataView): number {
    const { flows, tcp: segments } = this.#modules;
    const { version, protocol, source, destination, transport } = this.#quote;
    const ported = protocol === TCP || protocol === UDP;
    const ports = ported ? view.getInt32(transport) : 0;
    const flow = flows.find(packet.device, version, protocol, view, source, destination, ports);
    if (flow === NONE || protocol !== TCP) return flow;
    const sequence = tcp.sequence(view, transport);
    const sent = distance(sequence, segments.next(flow)) >= 0;
    return sent && distance(segments.unacknowledged(flow), sequence) >= -BEHIND ? flow : NONE;
  }
}
