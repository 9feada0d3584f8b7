import { DECOY, UP, type Packet } from "../../packet/packet.js";
import { NEVER, type Micros } from "../../time/micros.js";
import { PASS, type Defense, type Verdict } from "../defense.js";
import type { PadOptions } from "../options.js";
import type { Mechanism } from "./mechanism.js";
import { trailer } from "./trailer.js";

const ETHERNET_HEADER = 14;

/** Constant padding: every frame on the way up leaves at one size, decoys and frames that are not IP too (the paper's std_len_pack = 0). */
export class Pad implements Defense {
  readonly name = "pad";
  readonly #mechanisms: readonly Mechanism[];
  readonly #running: boolean;
  #target: number;

  /** `mtu`: of the outside card, in bytes; no frame grows beyond it. */
  constructor(options: PadOptions, mtu: number) {
    const largest = mtu + ETHERNET_HEADER;
    this.#mechanisms = options.trailer ? [trailer] : [];
    this.#running = options.target === "max";
    this.#target =
      options.target === "mtu" ? largest : options.target === "max" ? 0 : Math.min(options.target, largest);
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP) return PASS;
    // A decoy follows the running maximum; it does not set it.
    if (this.#running && packet.kind !== DECOY && packet.wireLength > this.#target) this.#target = packet.wireLength;
    for (const mechanism of this.#mechanisms) mechanism.grow(packet, this.#target);
    return PASS;
  }

  wakeAt(): Micros {
    return NEVER;
  }

  onTick(): void {
    // Sizes do not depend on time.
  }
}
