import { UP, type Packet } from "../packet/packet.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { parsePrefix } from "../wire/prefix.js";
import type { Device } from "./device.js";

/**
 * Whose a frame is: by MAC address; for a box behind a gateway by its addresses. Single addresses are looked up, other networks walked, so that
 * two hundred boxes cost what one does. Where several would do, the first in the configuration that a look-up finds has it.
 */
export class DeviceIndex {
  readonly #macs = new Map<number, Device>();
  readonly #four = new Map<number, Device>();
  /** By the last 32 bits; boxes that share them are told apart by their networks. */
  readonly #six = new Map<number, Device[]>();
  /** Those with networks of more than one address. */
  readonly #wide: Device[] = [];

  constructor(devices: readonly Device[]) {
    for (const device of devices) {
      const networks = device.options.tunnel?.networks ?? null;
      if (networks === null) {
        if (!this.#macs.has(device.mac)) this.#macs.set(device.mac, device);
        continue;
      }
      for (const network of networks) this.#add(network, device);
    }
  }

  /** The device that a frame comes from or goes to, or null. */
  of(packet: Packet, view: DataView): Device | null {
    if (packet.length < ethernet.HEADER) return null;
    const { version, network, direction, at } = packet;
    const up = direction === UP;
    if (this.#macs.size > 0) {
      const mac = up ? ethernet.source(view, at) : ethernet.destination(view, at);
      const device = this.#macs.get(mac);
      if (device !== undefined) return device;
    }
    // A gateway's inside is the world: what it sends up, towards the observer, is for a box.
    if (version === 4) return this.#of4(up ? ipv4.destination(view, network) : ipv4.source(view, network));
    if (version === 6) return this.#of6(view, network + (up ? ipv6.DESTINATION : ipv6.SOURCE));
    return null;
  }

  #of4(address: number): Device | null {
    const found = this.#four.get(address);
    if (found !== undefined) return found;
    for (const device of this.#wide) if (device.networks?.has4(address) === true) return device;
    return null;
  }

  #of6(view: DataView, at: number): Device | null {
    const found = this.#six.get(view.getInt32(at + 12));
    if (found !== undefined) for (const device of found) if (device.networks?.has6(view, at) === true) return device;
    for (const device of this.#wide) if (device.networks?.has6(view, at) === true) return device;
    return null;
  }

  #add(network: string, device: Device): void {
    const prefix = parsePrefix(network);
    if (prefix === null) return;
    const { version, bits, bytes } = prefix;
    const last = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4);
    if (version === 4 && bits === 32) {
      if (!this.#four.has(last.getUint32(0))) this.#four.set(last.getUint32(0), device);
    } else if (version === 6 && bits === 128) {
      const same = this.#six.get(last.getInt32(0)) ?? [];
      if (!same.includes(device)) this.#six.set(last.getInt32(0), [...same, device]);
    } else if (!this.#wide.includes(device)) this.#wide.push(device);
  }
}
