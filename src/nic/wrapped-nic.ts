import type { Packet } from "../packet/packet.js";
import type { Nic, NicCounters } from "./nic.js";

/** A card around another one. As it stands it is that card; what wraps overrides what it changes. */
export abstract class WrappedNic implements Nic {
  protected readonly nic: Nic;

  constructor(nic: Nic) {
    this.nic = nic;
  }

  get name(): string {
    return this.nic.name;
  }

  get mtu(): number {
    return this.nic.mtu;
  }

  get longest(): number {
    return this.nic.longest;
  }

  get up(): boolean {
    return this.nic.up;
  }

  get room(): number {
    return this.nic.room;
  }

  get counters(): NicCounters {
    return this.nic.counters;
  }

  receive(): Packet | null {
    return this.nic.receive();
  }

  send(packet: Packet): void {
    this.nic.send(packet);
  }

  close(): void {
    this.nic.close();
  }
}
