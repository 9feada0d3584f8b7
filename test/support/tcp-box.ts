import { SWALLOW } from "../../src/defense/defense.js";
import type { PadOptions } from "../../src/defense/options.js";
import { Pad } from "../../src/defense/pad/pad.js";
import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { PRESETS } from "../../src/defense/presets.js";
import { dissect } from "../../src/packet/dissect.js";
import { DOWN, UP } from "../../src/packet/packet.js";
import { micros } from "../../src/time/micros.js";
import { TCP } from "../../src/wire/protocol.js";
import { mechanismModules } from "./mechanisms.js";
import { readSegment, segment, type Read, type Segment } from "./tcp-segment.js";

/** Padding alone, without trailer, between a device and its servers: one frame in, what becomes of it out. */
export class TcpBox {
  readonly modules: MechanismModules;
  readonly #pad: Pad;
  now = 0;

  constructor(options: Partial<PadOptions> = {}, modules = mechanismModules()) {
    this.modules = modules;
    this.#pad = new Pad({ ...PRESETS.standalone.defenses.pad, trailer: false, ...options }, 1500, modules);
  }

  /** The frame as it leaves, or null where it was swallowed. `wire`: its length before a capture cut it. */
  pass(bytes: Uint8Array, up: boolean, wire = bytes.length): Uint8Array | null {
    const { pool, flows, tcp } = this.modules;
    const packet = pool.take();
    if (packet === null) throw new Error("no packet slot");
    packet.direction = up ? UP : DOWN;
    packet.length = bytes.length;
    packet.wireLength = wire;
    pool.bytes.set(bytes, packet.at);
    dissect(packet, pool.view);
    const now = micros(++this.now);
    packet.flow = flows.lookup(packet, pool.view, now);
    if (packet.protocol === TCP && !packet.fragment && packet.flow !== -1)
      tcp.see(packet, pool.view, flows.generation(packet.flow));
    const swallowed = this.#pad.onPacket(packet, now) === SWALLOW;
    const out = pool.bytes.slice(packet.at, packet.at + packet.length);
    pool.release(packet);
    return swallowed ? null : out;
  }

  send(shape: Segment): Read | null {
    const out = this.pass(segment(shape), shape.up);
    return out === null ? null : readSegment(out);
  }
}
