import { DOWN, UP, type Direction, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";

/** Neither from nor to the subject. */
export const FOREIGN = -1;

/** Whom a trace is about: tells which way a dissected packet goes. */
export interface Subject {
  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN;
}

/** A device on its own link, by MAC address. Frames to a group come to it too. */
export class DeviceSubject implements Subject {
  readonly #mac: number;

  constructor(mac: number) {
    this.#mac = mac;
  }

  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN {
    if (packet.length < ethernet.HEADER) return FOREIGN;
    if (ethernet.source(view, packet.at) === this.#mac) return UP;
    const to = ethernet.destination(view, packet.at);
    return to === this.#mac || ethernet.isGroup(to) ? DOWN : FOREIGN;
  }
}

/** A house behind its router, by the addresses that the world sees. */
export class AddressSubject implements Subject {
  readonly #addresses: Prefixes;

  constructor(addresses: Prefixes) {
    this.#addresses = addresses;
  }

  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN {
    const at = packet.network;
    if (packet.version === 4) {
      if (this.#addresses.has4(ipv4.source(view, at))) return UP;
      return this.#addresses.has4(ipv4.destination(view, at)) ? DOWN : FOREIGN;
    }
    if (packet.version !== 6) return FOREIGN;
    if (this.#addresses.has6(view, at + ipv6.SOURCE)) return UP;
    return this.#addresses.has6(view, at + ipv6.DESTINATION) ? DOWN : FOREIGN;
  }
}
