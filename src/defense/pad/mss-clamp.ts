import { DOWN, type Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import { replaceWord } from "../../wire/checksum.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";
import { TCP } from "../../wire/protocol.js";
import * as tcp from "../../wire/tcp.js";
import type { MechanismModules } from "./mechanism.js";
import { Paths } from "./paths.js";

/**
 * Lowers the maximum segment size that a SYN announces, and never raises it. What the remote side announces bounds the device's segments:
 * they are to fit the size that all frames leave at, and the path. What the device announces bounds those on the way down: they are to fit
 * the path alone.
 */
export class MssClamp {
  readonly #modules: Pick<MechanismModules, "pool" | "paths" | "tally">;
  readonly #mtu: number;
  readonly #target: number;
  readonly #clamped: number;

  /** `mtu`: of the outside card; `target`: the IP bytes of the frames that `pad` makes. */
  constructor(mtu: number, target: number, modules: Pick<MechanismModules, "pool" | "paths" | "tally">) {
    this.#modules = modules;
    this.#mtu = mtu;
    this.#target = target;
    this.#clamped = modules.tally.place("mss_clamped");
  }

  onPacket(packet: Packet, destination: number, now: Micros): void {
    const { version, protocol, transport, direction } = packet;
    if (protocol !== TCP || version === 0 || packet.fragment) return;
    const { pool, paths, tally } = this.#modules;
    const { view } = pool;
    if ((tcp.flags(view, transport) & tcp.SYN) === 0 || !tcp.fits(view, transport, packet.end)) return;
    const present = tcp.mss(view, transport);
    if (present === -1) return;
    const limit = Math.min(this.#mtu, direction === DOWN ? this.#target : this.#mtu, paths.limit(destination, now));
    const headers = (version === 4 ? ipv4.HEADER : ipv6.HEADER) + tcp.HEADER;
    // A target below every path's least shall not cut data into crumbs.
    const wanted = Math.max(limit, Paths.least(version)) - headers;
    if (present <= wanted) return;
    const at = tcp.option(view, transport, tcp.OPTION_MSS) + 2;
    view.setUint16(at, wanted);
    // Where it stands across two words of the sum, its bytes count swapped.
    if (((at - transport) & 1) === 0) replaceWord(view, transport + tcp.CHECKSUM, present, wanted);
    else replaceWord(view, transport + tcp.CHECKSUM, swap(present), swap(wanted));
    tally.add(this.#clamped, 1);
  }
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}
