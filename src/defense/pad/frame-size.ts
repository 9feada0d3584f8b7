import { DECOY, type Packet } from "../../packet/packet.js";
import { HEADER } from "../../wire/ethernet.js";
import type { PadOptions } from "../options.js";

/** What frames of one way grow to, in bytes of frame. */
export class FrameSize {
  readonly #running: boolean;
  #bytes: number;

  /** `mtu`: of the card that they leave by, in bytes; none grows beyond it. */
  constructor(target: PadOptions["target"], mtu: number) {
    const largest = mtu + HEADER;
    this.#running = target === "max";
    this.#bytes = target === "mtu" ? largest : target === "max" ? 0 : Math.min(target, largest);
  }

  /** The size for this frame, which may be the largest so far. A decoy follows the running maximum; it does not set it. */
  of(packet: Packet): number {
    if (this.#running && packet.kind !== DECOY && packet.wireLength > this.#bytes) this.#bytes = packet.wireLength;
    return this.#bytes;
  }
}
