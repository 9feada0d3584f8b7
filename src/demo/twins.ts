import type { Packet } from "../packet/packet.js";
import type { Micros } from "../time/micros.js";
import { Quantiles } from "../lab/quantiles.js";

interface Waiting {
  readonly before: Micros[];
  readonly after: Micros[];
}

/** Measures what the box adds to a packet's way: each packet is found again on the other side by its bytes, without trailer. */
export class Twins {
  /** In µs. */
  readonly delays = new Quantiles();
  readonly #waiting = new Map<number, Waiting>();

  /** A packet in front of the box. */
  before(packet: Packet, view: DataView, at: Micros): void {
    this.#meet(digest(packet, view), (waiting) => waiting.before.push(at));
  }

  /** A packet behind it. The two captures are read in turns, so that either may come first. */
  after(packet: Packet, view: DataView, at: Micros): void {
    this.#meet(digest(packet, view), (waiting) => waiting.after.push(at));
  }

  #meet(key: number, join: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(key) ?? { before: [], after: [] };
    join(waiting);
    // Packets of the same bytes keep their order, so the oldest ones are twins.
    const [before, after] = [waiting.before[0], waiting.after[0]];
    if (before !== undefined && after !== undefined) {
      this.delays.add(Math.max(0, after - before));
      waiting.before.shift();
      waiting.after.shift();
    }
    if (waiting.before.length + waiting.after.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, waiting);
  }
}

/** 52 bits of the IP packet's bytes: among a hundred thousand packets a mistake is a one-in-a-million chance. */
function digest(packet: Packet, view: DataView): number {
  let a = packet.end - packet.network;
  let b = 0;
  for (let i = packet.network; i < packet.end; i++) {
    const byte = view.getUint8(i);
    a = Math.imul(a ^ byte, 0x01000193);
    b = Math.imul(b, 31) + byte;
  }
  return (a >>> 0) * 0x10_0000 + ((b ^ (b >>> 16)) & 0xf_ffff);
}
