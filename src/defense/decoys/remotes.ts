import type { Packet } from "../../packet/packet.js";
import { integer, type Random } from "../../random/random.js";
import * as ipv4 from "../../wire/ipv4.js";
import * as ipv6 from "../../wire/ipv6.js";

const PLACES = 16;
/** Ethernet header with up to two 802.1Q tags. */
const LINK_BYTES = 22;
const ENTRY = LINK_BYTES + 2 + 16 + 16;

/** Offsets in an entry: the link header as the device wrote it, its length, the IP version, both addresses. */
export const LINK_LENGTH = LINK_BYTES;
export const VERSION = LINK_BYTES + 1;
export const DEVICE_ADDRESS = LINK_BYTES + 2;
export const REMOTE_ADDRESS = LINK_BYTES + 18;

/**
 * Hosts that a device has lately talked to beyond the local network: where its decoys pretend to go, so that they add no address to what an
 * observer sees. A direct-mapped cache: a new host replaces the one of the same hash. IPv4 addresses stand in the first 4 bytes of 16.
 */
export class Remotes {
  readonly view = new DataView(new ArrayBuffer(PLACES * ENTRY));
  readonly #filled = new Uint8Array(PLACES);

  /** Notes where a real packet on its way up goes. `packet.version` is 4 or 6. */
  learn(packet: Packet, view: DataView): void {
    const { network, at } = packet;
    const six = packet.version === 6;
    const word = six
      ? view.getUint32(network + 24) ^
        view.getUint32(network + 28) ^
        view.getUint32(network + 32) ^
        view.getUint32(network + 36)
      : ipv4.destination(view, network);
    const place = (Math.imul(word, 0x9e3779b1) >>> 28) % PLACES;
    const entry = place * ENTRY;
    const mine = this.view;
    if (
      this.#filled[place] === 1 &&
      mine.getUint8(entry + VERSION) === packet.version &&
      (six
        ? ipv6.equalAddress(mine, entry + REMOTE_ADDRESS, view, network + ipv6.DESTINATION) &&
          ipv6.equalAddress(mine, entry + DEVICE_ADDRESS, view, network + ipv6.SOURCE)
        : mine.getUint32(entry + REMOTE_ADDRESS) === word &&
          mine.getUint32(entry + DEVICE_ADDRESS) === ipv4.source(view, network))
    )
      return;
    const link = network - at;
    if (link > LINK_BYTES) return;
    for (let i = 0; i < link; i++) mine.setUint8(entry + i, view.getUint8(at + i));
    mine.setUint8(entry + LINK_LENGTH, link);
    mine.setUint8(entry + VERSION, packet.version);
    if (six) {
      ipv6.copyAddress(view, network + ipv6.SOURCE, mine, entry + DEVICE_ADDRESS);
      ipv6.copyAddress(view, network + ipv6.DESTINATION, mine, entry + REMOTE_ADDRESS);
    } else {
      mine.setUint32(entry + DEVICE_ADDRESS, ipv4.source(view, network));
      mine.setUint32(entry + REMOTE_ADDRESS, word);
    }
    this.#filled[place] = 1;
  }

  /** The offset in `view` of one of them, or -1 while there is none. */
  pick(random: Random): number {
    const start = integer(random, 0, PLACES - 1);
    for (let i = 0; i < PLACES; i++) {
      const place = (start + i) % PLACES;
      if (this.#filled[place] === 1) return place * ENTRY;
    }
    return -1;
  }
}
