import type { Bridge } from "../nic/bridge.js";
import { BACK, BOTH, DOWN, UP, type Direction, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import type { Device } from "./device.js";

/** Where frames go that came in by the inside card, when its bridge sends frames back there: what the bridge would do, for devices' frames. */
export class Exits {
  readonly #inside: ReadonlySet<number>;
  readonly #outside: ReadonlySet<number>;

  constructor({ inside, outside }: Bridge) {
    this.#inside = new Set(inside);
    this.#outside = new Set(outside);
  }

  /**
   * Says by which card a frame leaves, and answers which way it goes: up from a device, or down to one from another station. Null: it is the bridge's,
   * for its device is outside.
   */
  find(packet: Packet, view: DataView, devices: readonly Device[]): Direction | null {
    if (!ethernet.fits(packet.at, packet.at + packet.length)) return UP;
    const from = ethernet.source(view, packet.at);
    const to = ethernet.destination(view, packet.at);
    if (isOneOf(from, devices)) {
      if (this.#inside.has(to)) packet.exit = BACK;
      else if (ethernet.isGroup(to) || !this.#outside.has(to)) packet.exit = BOTH;
      return UP;
    }
    if (!isOneOf(to, devices)) return UP;
    if (this.#outside.has(to)) return null;
    packet.exit = BACK;
    return DOWN;
  }
}

function isOneOf(mac: number, devices: readonly Device[]): boolean {
  for (const device of devices) if (device.mac === mac) return true;
  return false;
}
