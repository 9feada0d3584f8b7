import type { Packet } from "../../packet/packet.js";
import type { Micros } from "../../time/micros.js";
import { completeChecksum, transportValid } from "../../wire/checksum.js";
import { TCP } from "../../wire/protocol.js";
import * as tcp from "../../wire/tcp.js";
import { isWhole, lengthen } from "./lengthen.js";
import type { Mechanism, MechanismModules } from "./mechanism.js";
import { tcpRoom } from "./tcp-room.js";
import { WATCHED } from "./watched.js";

/**
 * Zeros as the payload of a RST, which may carry text for people (RFC 9293, 3.5.3). Its sequence number stays: a receiver takes no other
 * (RFC 5961, 3).
 */
export class TcpReset implements Mechanism {
  readonly name = "tcpReset";
  readonly #modules: MechanismModules;

  constructor(modules: MechanismModules) {
    this.#modules = modules;
  }

  grow(packet: Packet, target: number, destination: number, now: Micros): void {
    const { pool, trust, tcp: flows } = this.#modules;
    const { view } = pool;
    const { version, network, transport } = packet;
    if (packet.protocol !== TCP || packet.fragment || packet.flow === -1) return;
    if (!tcp.fits(view, transport, packet.end) || (tcp.flags(view, transport) & (tcp.RST | tcp.SYN)) !== tcp.RST)
      return;
    const bytes = tcpRoom(packet, view, target, flows);
    if (bytes === 0 || !trust.allows(destination, WATCHED.tcpReset, now)) return;
    const whole = isWhole(packet);
    if (whole && !transportValid(view, version, network, TCP, transport, packet.end)) return;
    const from = packet.end;
    lengthen(packet, view, bytes);
    if (!whole) return;
    pool.bytes.fill(0, from, packet.end);
    completeChecksum(view, version, network, TCP, transport, packet.end);
  }
}
