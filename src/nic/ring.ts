import { HushboxError, type ErrorCode } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { SLOT_BYTES, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import { micros, NEVER, type Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import { fromDevices, fromOrToDevices, toDevices } from "./bpf.js";
import { keptAddresses, keptByKernel, type Bridge } from "./bridge.js";
import { largestFrame } from "./memory.js";
import { native, type Native, type Ring, type RingLayout } from "./native.js";
import { nicCounters, type Cards, type Nic, type NicCounters, type SharedCards } from "./nic.js";

const STATE_UP = 2;
const FLAG_PARTIAL_CHECKSUM = 1;
/** The kernel's header before each frame takes 66 bytes of a ring slot of 2048 (TPACKET2_HDRLEN, aligned); a longer frame arrives cut. */
const LONGEST = 2048 - 66;
/** How long a turn waits for a card that takes no more: the kernel says when it does (POLLOUT), so nothing is late by it. */
const FULL_WAIT = 1_000;
/** How often the interfaces are looked at; the ring wakes as often by itself (TICK_NS). */
const CHECK_EVERY = micros(250_000);

/** One card of the ring: a window onto its part of the control block. */
class RingNic implements Nic {
  readonly name: string;
  readonly longest = LONGEST;
  readonly counters: NicCounters = nicCounters();
  readonly #pool: Pool;
  readonly #layout: RingLayout;
  readonly #numbers: Float64Array;
  readonly #state: Int32Array;
  readonly #txSlot: Int32Array;
  readonly #txLength: Int32Array;
  readonly #txPad: Int32Array;
  readonly #rxSlot: Int32Array;
  readonly #rxLength: Int32Array;
  readonly #rxWire: Int32Array;
  readonly #rxFlags: Int32Array;
  readonly #rxAt: Float64Array;
  #next = 0;
  /** Frames to these addresses are the kernel's; null: to none. */
  kept: ReadonlySet<number> | null = null;
  /** What came from then on is the kernel's. */
  end: Micros = NEVER;

  constructor(name: string, control: ArrayBuffer, at: number, layout: RingLayout, pool: Pool) {
    this.name = name;
    this.#pool = pool;
    this.#layout = layout;
    this.#numbers = new Float64Array(control, at, 5);
    this.#state = new Int32Array(control, at + layout.state, 4);
    this.#txSlot = new Int32Array(control, at + layout.tx_slot, layout.txBatch);
    this.#txLength = new Int32Array(control, at + layout.tx_length, layout.txBatch);
    this.#txPad = new Int32Array(control, at + layout.tx_pad, layout.txBatch);
    this.#rxSlot = new Int32Array(control, at + layout.rx_slot, layout.rxBatch);
    this.#rxLength = new Int32Array(control, at + layout.rx_length, layout.rxBatch);
    this.#rxWire = new Int32Array(control, at + layout.rx_wire, layout.rxBatch);
    this.#rxFlags = new Int32Array(control, at + layout.rx_flags, layout.rxBatch);
    this.#rxAt = new Float64Array(control, at + layout.rx_at, layout.rxBatch);
  }

  get mtu(): number {
    return this.#state[3] ?? 0;
  }

  get up(): boolean {
    return this.#state[0] === STATE_UP;
  }

  /** A new batch lies in the control block. */
  rewind(): void {
    this.#next = 0;
  }

  /** Frames gathered and not yet received. */
  get waiting(): number {
    return (this.#state[1] ?? 0) - this.#next;
  }

  /** Copies the native numbers into `counters`. */
  refresh(): void {
    this.counters.received = this.#numbers[0] ?? 0;
    this.counters.dropped = this.#numbers[1] ?? 0;
    this.counters.sent = this.#numbers[2] ?? 0;
    this.counters.refused = this.#numbers[3] ?? 0;
    this.counters.downs = this.#numbers[4] ?? 0;
  }

  receive(): Packet | null {
    for (;;) {
      const packet = this.#gathered();
      if (packet === null || (this.kept === null && this.end === NEVER) || this.#isOurs(packet)) return packet;
      this.#pool.release(packet);
    }
  }

  #isOurs(packet: Packet): boolean {
    if (packet.arrivedAt >= this.end) return false;
    return this.kept === null || !keptByKernel(ethernet.destination(this.#pool.view, packet.at), this.kept);
  }

  #gathered(): Packet | null {
    const i = this.#next;
    if (i >= (this.#state[1] ?? 0)) return null;
    this.#next = i + 1;
    const packet = this.#pool.packet(this.#rxSlot[i] ?? 0);
    packet.clear();
    packet.length = this.#rxLength[i] ?? 0;
    packet.wireLength = this.#rxWire[i] ?? 0;
    packet.arrivedAt = (this.#rxAt[i] ?? 0) as Micros;
    const { wireLength } = packet;
    if (wireLength > this.mtu + ethernet.HEADER || wireLength > LONGEST) this.#judge(packet);
    if (((this.#rxFlags[i] ?? 0) & FLAG_PARTIAL_CHECKSUM) !== 0) {
      packet.partialChecksum = true;
      this.counters.partialChecksum++;
    }
    return packet;
  }

  send(packet: Packet): void {
    const n = this.#state[2] ?? 0;
    if (n >= this.#layout.txBatch) {
      // Only when the card does not drain: a full device queue. Counted with what the kernel refuses.
      this.#numbers[3] = (this.#numbers[3] ?? 0) + 1;
      this.#pool.release(packet);
      return;
    }
    this.#txSlot[n] = packet.slot;
    this.#txLength[n] = packet.length;
    this.#txPad[n] = packet.pad < this.#layout.maxPad ? packet.pad : this.#layout.maxPad;
    this.#state[2] = n + 1;
  }

  get room(): number {
    return this.#layout.txBatch - (this.#state[2] ?? 0);
  }

  /** A frame longer than an untagged one may be. */
  #judge(packet: Packet): void {
    if (packet.wireLength > Math.min(LONGEST, largestFrame(this.#pool.view, packet, this.mtu)))
      this.counters.oversize++;
  }

  close(): void {
    // The pair is closed as one.
  }
}

/** How to open the ring pair. */
export interface RingOptions {
  readonly inside: string;
  readonly outside: string;
  readonly slots: number;
  readonly spin: number;
  /** The outside card is a tunnel: it carries IP packets without a link header. In the pool they are frames to this address (48 bits). */
  readonly tunnel?: { readonly mac: number } | null;
}

function openError(cause: unknown, interfaceName: string): HushboxError {
  const errno = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const code: ErrorCode =
    errno === "ENODEV" || errno === "ENXIO" ? "interface-missing" : errno === "EPERM" ? "permission" : "host";
  const hint =
    code === "permission"
      ? "; hushbox needs CAP_NET_RAW and CAP_NET_ADMIN (run as root, or from its systemd unit)"
      : code === "interface-missing"
        ? "; `ip link` lists the interfaces that exist"
        : "";
  return new HushboxError(code, `opening ${interfaceName}: ${messageOf(cause)}${hint}`, cause);
}

/** Both cards as AF_PACKET TPACKET_V2 rings behind one native call a turn; see native/ring.c. */
export class RingCards implements Cards, SharedCards {
  readonly inside: RingNic;
  readonly outside: RingNic;
  readonly #native: Native;
  readonly #ring: Ring;
  readonly #times: Float64Array;
  readonly #pool: Pool;
  readonly #tunnel: { readonly mac: number } | null;
  #checkAt: Micros;

  /** Opens both interfaces. `wake`: an eventfd that ends a wait. Throws HushboxError: interface-missing, permission, host. */
  constructor(options: RingOptions, pool: Pool, macs: readonly number[], wake: number) {
    const addon = native();
    const control = new ArrayBuffer(addon.layout.bytes);
    const { layout } = addon;
    this.#native = addon;
    this.#pool = pool;
    this.#times = new Float64Array(control, 0, 5);
    this.#times[2] = options.spin;
    this.#ring = addon.ringOpen(pool.buffer, SLOT_BYTES, pool.free.buffer, control, wake);
    this.#tunnel = options.tunnel ?? null;
    if (this.#tunnel !== null) ethernet.setDestination(new DataView(control), layout.bare_header, this.#tunnel.mac);
    this.inside = new RingNic(options.inside, control, layout.port, layout, pool);
    this.outside = new RingNic(options.outside, control, layout.port + layout.portBytes, layout, pool);
    try {
      addon.ringPort(this.#ring, 0, options.inside, options.slots, this.#inward(macs));
    } catch (cause) {
      throw openError(cause, options.inside);
    }
    try {
      addon.ringPort(this.#ring, 1, options.outside, options.slots, this.#outward(macs));
    } catch (cause) {
      addon.ringClose(this.#ring);
      throw openError(cause, options.outside);
    }
    this.#checkAt = micros((this.#times[0] ?? 0) + CHECK_EVERY);
  }

  filter(macs: readonly number[], bridge: Bridge | null = null): void {
    if (this.#tunnel !== null) return;
    this.#native.ringFilter(this.#ring, 0, this.#inward(macs, bridge));
    this.#native.ringFilter(this.#ring, 1, this.#outward(macs, bridge));
    this.inside.kept = bridge === null ? null : keptAddresses(bridge);
  }

  discard(): number {
    let frames = 0;
    for (const nic of [this.inside, this.outside]) {
      for (let packet = nic.receive(); packet !== null; packet = nic.receive()) {
        this.#pool.release(packet);
        frames++;
      }
    }
    return frames + this.#native.ringDiscard(this.#ring);
  }

  finish(): void {
    // The clock of the last turn may be old; what came since is still ours.
    const now = micros(Number(process.hrtime.bigint()) / 1e3);
    this.inside.end = now;
    this.outside.end = now;
  }

  /** Before a tunnel stands the kernel's end of a pair, whatever device a packet is of. */
  #inward(macs: readonly number[], bridge: Bridge | null = null): Uint8Array {
    if (this.#tunnel !== null) return fromDevices([this.#tunnel.mac]);
    return bridge?.hairpin === true ? fromOrToDevices(macs) : fromDevices(macs);
  }

  /** Out of a tunnel everything is for us. */
  #outward(macs: readonly number[], bridge: Bridge | null = null): Uint8Array {
    return this.#tunnel === null ? toDevices(macs, bridge === null) : new Uint8Array(0);
  }

  /** What to add to a moment to have CLOCK_REALTIME in microseconds since 1970. */
  get wall(): Micros {
    return micros(this.#times[3] ?? 0);
  }

  /** True where the last turn was ended by the eventfd: somebody wants something. */
  get woken(): boolean {
    return this.#times[4] === 1;
  }

  turn(until: Micros): Micros {
    const full = this.inside.room === 0 || this.outside.room === 0;
    this.#times[1] = full ? Math.max(until, (this.#times[0] ?? 0) + FULL_WAIT) : until;
    this.#native.ringTurn(this.#ring);
    this.inside.rewind();
    this.outside.rewind();
    const now = this.#times[0] ?? 0;
    if (now >= this.#checkAt) {
      this.#native.ringCheck(this.#ring);
      this.inside.refresh();
      this.outside.refresh();
      this.#checkAt = micros(now + CHECK_EVERY);
    }
    return micros(now);
  }

  flush(): Micros {
    this.#native.ringFlush(this.#ring);
    return micros(this.#times[0] ?? 0);
  }

  close(): void {
    // What has come since the last turn is nobody's any more: neither gathered nor counted.
    this.#native.ringCheck(this.#ring);
    this.#native.ringClose(this.#ring);
    this.inside.refresh();
    this.outside.refresh();
  }
}
