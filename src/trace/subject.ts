import { DOWN, UP, type Direction, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import type { Prefixes } from "../wire/prefix.js";

/** Neither from nor to the subject. */
export const FOREIGN = -1;

/** Whom a trace is about: tells which way a dissected packet goes. */
export interface Subject {
  /** A frame from the subject, or to it alone, has come by. */
  readonly appeared: boolean;
  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN;
}

/** A device on its own link, by MAC address. Frames to a group come to it too. */
export class DeviceSubject implements Subject {
  appeared = false;
  readonly #mac: number;

  constructor(mac: number) {
    this.#mac = mac;
  }

  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN {
    if (packet.length < ethernet.HEADER) return FOREIGN;
    if (ethernet.source(view, packet.at) === this.#mac) {
      this.appeared = true;
      return UP;
    }
    const to = ethernet.destination(view, packet.at);
    if (to !== this.#mac) return ethernet.isGroup(to) ? DOWN : FOREIGN;
    this.appeared = true;
    return DOWN;
  }
}

/** A house behind its router, by the addresses that the world sees. */
export class AddressSubject implements Subject {
  appeared = false;
  readonly #addresses: Prefixes;

  constructor(addresses: Prefixes) {
    this.#addresses = addresses;
  }

  direction(packet: Packet, view: DataView): Direction | typeof FOREIGN {
    const direction = this.#direction(packet, view);
    if (direction !== FOREIGN) this.appeared = true;
    return direction;
  }

  #direction(packet: Packet, view: DataView): Direction | typeof FOREIGN {
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

/** Everybody in a capture, for whom no direction is told: all packets count as up. */
export class EverySubject implements Subject {
  readonly appeared = true;

  direction(): Direction {
    return UP;
  }
}
