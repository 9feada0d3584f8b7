import { SLOT_BYTES, UP, type Direction, type Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import type { Prefixes } from "../wire/prefix.js";
import { TCP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import { DecoySigns } from "./decoy-signs.js";
import { LINK_HEADER, Observer, type Vantage } from "./observer.js";
import { SentBytes } from "./sent-bytes.js";
import { trueBytes } from "./true-bytes.js";

/** Bytes of an ARP packet for IPv4 over Ethernet (RFC 826). */
const ARP_BYTES = 28;

/**
 * The observer who knows every mechanism of `pad` and `decoy`, and reads headers to undo them. Lengths are those that packets had before padding; what it takes
 * for a decoy, or the answer to one, it does not see. One pass, constant memory.
 *
 * Recovered are lengths behind a trailer (ARP and IP), UDP surplus, QUIC prefix, TCP overlap and filler, payload of a RST, empty IPv6 options, zeros in
 * an echo. Not recovered are: times (`pace`, `jitter`); windows; an echo whose own payload ends in zeros (read as shorter); frames of
 * other protocols that have no length of their own; the first segment of a connection that began before the trace, where nothing was acknowledged
 * yet; an acknowledgment behind padding that acknowledges nothing new while as much is under way (read as sent again), and
 * a segment sent again that acknowledges something new (read as an acknowledgment); decoys with as many hops as the device's own packets.
 */
export class ParsingObserver extends Observer {
  override readonly looksAt = SLOT_BYTES;
  /** Packets that were taken for decoys, and for what routers answer to them. */
  decoys = 0;
  answers = 0;
  readonly #vantage: Vantage;
  readonly #signs: DecoySigns;
  readonly #sent = new SentBytes();

  constructor(vantage: Vantage, local: Prefixes) {
    super(vantage, local);
    this.#vantage = vantage;
    this.#signs = new DecoySigns(local);
  }

  override observe(packet: Packet, view: DataView, direction: Direction, at: Micros): boolean {
    if (!super.observe(packet, view, direction, at)) return false;
    const seen = this.observation;
    const link = this.#vantage === "beyond" ? LINK_HEADER : packet.network - packet.at;
    if (packet.version === 0) {
      seen.length = Math.min(seen.length, link + bytesOf(packet.etherType));
      return true;
    }
    if (direction === UP && this.#signs.isDecoy(packet, view)) {
      this.decoys++;
      return false;
    }
    if (direction !== UP && this.#signs.isAnswer(packet, view)) {
      this.answers++;
      return false;
    }
    seen.length = link + trueBytes(packet, view);
    const { transport } = packet;
    if (packet.protocol === TCP && !packet.fragment && tcp.fits(view, transport, packet.end))
      seen.length -= this.#sent.padding(packet, view, seen);
    return true;
  }
}

/** Bytes behind the link header of a frame that is not IP, as far as its type tells; one below FIRST_ETHERTYPE is itself a length (IEEE 802.3). */
function bytesOf(etherType: number): number {
  if (etherType === ethernet.ARP) return ARP_BYTES;
  return etherType < ethernet.FIRST_ETHERTYPE ? etherType : Infinity;
}
