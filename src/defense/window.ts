import { REAL, UP, type Packet } from "../packet/packet.js";
import { NEVER, type Micros } from "../time/micros.js";
import { replaceWord } from "../wire/checksum.js";
import { TCP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import { PASS, type Defense, type Verdict } from "./defense.js";
import type { WindowOptions } from "./options.js";
import type { MechanismModules } from "./pad/mechanism.js";

const LARGEST = 0xffff;
/** What a device's own beginnings lower the constant to at most: the ten segments that it is usual to begin with (RFC 6928), 14,400 bytes over IPv6. */
const LEAST = 14 * 1024;
/** A multiple of it is the same at all scales up to 10. */
const GRAIN = 1024;

/**
 * Lowers the TCP windows that the device announces to a constant (`mean_window`, `std_window`, which the paper leaves alone). Never raises
 * one: a device that says less, or nothing at all, means it. A RST's window means nothing, and a decoy's is nobody's: they get the constant.
 * Where the handshake was not seen, the scale is not known and windows pass as they are. A device that begins its connections with less
 * than `size` would show when its windows grow: the constant is then what it begins with, but no less than 14 KiB.
 *
 * What is constant is the window in bytes, as who saw the handshake reads it (tshark's `tcp.window_size`). The field in the header is it
 * shifted by the flow's scale, and not shifted in a SYN (RFC 7323, 2.2): the same in all other packets of flows with the same scale. The
 * remote side sends at most one window a round trip: with 32 KiB 13.1 Mbit/s at 20 ms, 5.2 at 50 ms, 2.6 at 100 ms; with 14 KiB 5.7, 2.3, 1.1.
 */
export class Window implements Defense {
  readonly name = "window";
  #size: number;
  readonly #modules: Pick<MechanismModules, "pool" | "tcp" | "tally">;
  readonly #clamped: number;

  constructor(options: WindowOptions, modules: Pick<MechanismModules, "pool" | "tcp" | "tally">) {
    this.#size = options.size;
    this.#modules = modules;
    this.#clamped = modules.tally.place("windows_clamped");
  }

  onPacket(packet: Packet): Verdict {
    if (packet.direction !== UP || packet.protocol !== TCP || packet.fragment || packet.home) return PASS;
    const { view } = this.#modules.pool;
    const at = packet.transport;
    const flags = tcp.flags(view, at);
    const real = packet.kind === REAL;
    const meant = real && (flags & tcp.RST) === 0;
    const present = tcp.window(view, at);
    if (real && (flags & tcp.SYN) !== 0) this.#begin(present);
    let scale = 0;
    if (real && (flags & tcp.SYN) === 0) {
      scale = packet.flow === -1 ? -1 : this.#modules.tcp.scale(packet.flow, UP);
      if (scale < 0) {
        if (meant) return PASS;
        scale = 0;
      }
    }
    // Never none at all: a scale that no multiple fits under would stop the flow.
    const wanted = Math.min(Math.max(this.#size >> scale, 1), LARGEST);
    if (meant ? present <= wanted : present === wanted) return PASS;
    tcp.setWindow(view, at, wanted);
    replaceWord(view, at + tcp.CHECKSUM, present, wanted);
    if (real) this.#modules.tally.add(this.#clamped, 1);
    return PASS;
  }

  /** Notes the window of a SYN. */
  #begin(window: number): void {
    const lower = window - (window % GRAIN);
    if (lower >= LEAST && lower < this.#size) this.#size = lower;
  }

  wakeAt(): Micros {
    return NEVER;
  }

  onTick(): void {
    // Windows do not depend on time.
  }
}
