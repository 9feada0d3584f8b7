import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import * as udp from "../../wire/udp.js";
import { isDatagram } from "./datagram.js";
import { isWhole, lengthen, missing } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { WATCHED } from "./watched.js";

const OCS_BYTES = 2;

/**
 * Bytes between the end of a UDP datagram and the end of its IP packet (RFC 9868): receivers cut them off, since UDP has a length of its own.
 * They begin with the option checksum OCS, which also keeps middleboxes content that sum the whole IP payload, as Linux' connection
 * tracking does: without it a router drops the packet as invalid.
 */
export class UdpSurplus implements Mechanism {
  readonly name = "udpSurplus";
  readonly #modules: MechanismModules;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    const { pool, trust } = this.#modules;
    const { view } = pool;
    const bytes = missing(packet, target);
    if (bytes < OCS_BYTES || !isDatagram(packet, view)) return;
    // OCS stands on an even offset of the datagram (RFC 9868, 9), behind a zero where need be.
    const aligning = udp.length(view, packet.transport) & 1;
    // What has no room for it would be a surplus that no checksum covers: a router that sums it drops the packet.
    if (bytes < aligning + OCS_BYTES || !trust.allows(destination, WATCHED.udpSurplus, now)) return;
    const whole = isWhole(packet);
    const from = packet.end;
    lengthen(packet, view, bytes);
    if (!whole) return;
    pool.bytes.fill(0, from, packet.end);
    // All but OCS is zero (end of options, then nothing), so that the sum it complements is the surplus' length alone. Never 0 itself.
    const ocs = udp.checksum(view, packet.transport) === 0 ? 0 : ~bytes & 0xffff;
    view.setUint16(from + aligning, ocs);
  }
}
