import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import * as icmp from "../../wire/icmp.js";
import * as icmpv6 from "../../wire/icmpv6.js";
import type { MechanismModules } from "./mechanism.js";
import { Paths } from "./paths.js";
import type { Quote } from "./quote.js";

/** MTUs that are met in practice, for routers that do not name theirs (RFC 1191, 7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** What it works with. */
export type PacketTooBigModules = Pick<MechanismModules, "destinations" | "paths" | "tally">;

/**
 * What routers say of packets that are too big for their path (RFC 1191, RFC 8201): later ones to that host grow no further. Anybody can
 * send such an error: the caller has found that the quoted packet can be one that was sent (RFC 5927, 4.1).
 */
export class PacketTooBig {
  readonly #modules: PacketTooBigModules;
  readonly #learned: number;

  constructor(modules: PacketTooBigModules) {
    this.#modules = modules;
    this.#learned = modules.tally.place("paths_learned");
  }

  /** The MTU that an error names for the packet that it quotes; 0 for another error, and where that packet was no longer. */
  mtu(packet: Packet, view: DataView, quote: Quote): number {
    const { transport } = packet;
    let mtu: number;
    if (quote.version === 6) {
      if (icmpv6.type(view, transport) !== icmpv6.PACKET_TOO_BIG) return 0;
      mtu = icmpv6.mtu(view, transport);
    } else {
      if (view.getUint16(transport) !== ((icmp.UNREACHABLE << 8) | icmp.FRAGMENTATION_NEEDED)) return 0;
      mtu = icmp.nextHopMtu(view, transport);
      if (mtu === 0) mtu = PLATEAUS.find((plateau) => plateau < quote.length) ?? quote.length;
    }
    return mtu < quote.length ? mtu : 0;
  }

  /** Learns the MTU of the way to a host. False where it is below what every path takes, and so not believed as it stands. */
  learn(destination: number, mtu: number, now: Micros): boolean {
    const { destinations, paths, tally } = this.#modules;
    if (destination === -1) return false;
    const version = destinations.version(destination);
    if (mtu < Paths.least(version)) {
      // IPv6 knows no such link (RFC 8201, 4: discard). Over IPv4 a device may let go of DF, and then routers cut what is padded, too.
      if (version === 4) paths.lower(destination, mtu, now);
      return false;
    }
    if (mtu < paths.limit(destination, now)) tally.add(this.#learned, 1);
    paths.named(destination, mtu, now);
    return true;
  }
}
