import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { DECOY, SLOT_BYTES, type Packet } from "../packet/packet.js";
import type { Pool } from "../packet/pool.js";
import type { Micros } from "../time/micros.js";
import * as ethernet from "../wire/ethernet.js";
import { keptAddresses, keptByKernel, type Bridge } from "./bridge.js";
import { readEthernet } from "./interface.js";
import type { IpSender } from "./ip-sender.js";
import { nicCounters, type Cards, type Nic, type SharedCards } from "./nic.js";

/** What we use of npm's cap. */
export interface Cap {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  on(event: "packet", listener: (bytes: number, truncated: boolean) => void): void;
  send(buffer: Buffer, length: number): void;
  close(): boolean;
}
export interface CapModule {
  readonly Cap: new () => Cap;
}

/** libpcap's buffer; frames behind it are lost uncounted, since cap does not tell. */
const KERNEL_BUFFER = 4 << 20;
/** Frames received and not yet taken by the loop. */
const QUEUE = 1024;

/**
 * Everything cap ever saw, for the life of the process: Node crashes when a closed Cap, or the Buffer given to it, is
 * garbage collected (cap 0.2.1 keeps a raw pointer and an unclosed libuv handle).
 */
const KEPT: unknown[] = [];

/** Loads npm's cap at first use; throws `library-missing` with what to install. */
export function loadCap(): CapModule {
  // cap uses the default event loop: in a worker it aborts the process at the first packet, and loaded twice it does not load.
  if (!isMainThread) throw new HushboxError("internal", "npm's cap works in the main thread of a process only");
  try {
    return createRequire(import.meta.url)("cap") as CapModule;
  } catch (cause) {
    throw new HushboxError(
      "library-missing",
      "nic.card is libpcap, and npm's cap is not installed or not compiled; on Debian: apt-get install libpcap-dev g++ make python3, then npm install",
      cause,
    );
  }
}

/** One interface by npm's cap. Frames come by callback; sending is at once. */
class LibpcapNic implements Nic {
  readonly name: string;
  readonly mtu: number;
  readonly longest = SLOT_BYTES;
  readonly room = Number.POSITIVE_INFINITY;
  readonly counters = nicCounters();
  up = true;
  readonly #pool: Pool;
  readonly #cards: LibpcapCards;
  readonly #outside: boolean;
  readonly #module: CapModule;
  readonly #ip: IpSender | null;
  readonly #handles: Cap[] = [];
  /** Addresses that some handle's filter passes. */
  readonly #captured = new Set<number>();
  #wanted: readonly number[] = [];
  /** Addresses to which frames are the kernel's; null without a bridge. */
  #kept: ReadonlySet<number> | null = null;
  /** What comes is not for us. */
  deaf = false;
  /** A Buffer over each slot, made once: cap sends Buffers. */
  readonly #buffers: readonly Buffer[];
  readonly #queue = new Int32Array(QUEUE);
  #head = 0;
  #count = 0;
  #closed = false;

  constructor(
    opts: { readonly name: string; readonly outside: boolean },
    modules: { pool: Pool; cards: LibpcapCards; cap: CapModule; buffers: readonly Buffer[]; ip: IpSender | null },
  ) {
    this.name = opts.name;
    this.mtu = readEthernet(opts.name).mtu;
    this.#outside = opts.outside;
    this.#pool = modules.pool;
    this.#cards = modules.cards;
    this.#module = modules.cap;
    this.#buffers = modules.buffers;
    this.#ip = modules.ip;
  }

  /** Only frames of these devices (48-bit addresses) are taken from now on. */
  filter(macs: readonly number[], bridge: Bridge | null): void {
    this.#wanted = [...macs];
    this.#kept = bridge === null ? null : keptAddresses(bridge);
    const fresh = macs.filter((mac) => !this.#captured.has(mac));
    // cap cannot change a filter: devices that are new get a handle of their own. No frame is lost, none comes twice.
    if (fresh.length > 0 || this.#handles.length === 0) this.#open(fresh);
    for (const mac of fresh) this.#captured.add(mac);
  }

  #open(macs: readonly number[]): void {
    const handle = new this.#module.Cap();
    const landing = this.#pool.take();
    if (landing === null) throw new HushboxError("internal", "the pool has no slot left for a card");
    // Cut to the slot: cap writes into it before each callback.
    const buffer = this.#buffers[landing.slot];
    if (buffer === undefined) throw new HushboxError("internal", "a pool slot has no buffer");
    KEPT.push(handle, buffer, this.#pool);
    const filter = this.#filterText(macs);
    handle.on("packet", (bytes, truncated) => {
      this.#arrived(landing.at, bytes, truncated);
    });
    let link: string;
    try {
      link = handle.open(this.name, filter, KERNEL_BUFFER, buffer);
    } catch (cause) {
      const message = messageOf(cause);
      if (/permission|not permitted/i.test(message))
        throw new HushboxError("permission", `capturing on ${this.name}: this needs CAP_NET_RAW (or root)`, cause);
      throw new HushboxError("host", `capturing on ${this.name}: ${message}`, cause);
    }
    if (link !== "ETHERNET") throw new HushboxError("host", `${this.name} does not carry Ethernet frames but ${link}`);
    this.#handles.push(handle);
  }

  /**
   * By address, not by libpcap's `inbound`: that is tested in user space for the first ring block, where the direction is
   * unknown, and so costs the first frame of each handle (measured: frame 0 lost in every run, none with addresses).
   * What the box's own stack sends has the box's address and is not for a device.
   */
  #filterText(macs: readonly number[]): string {
    const side = this.#outside ? "dst" : "src";
    const terms = macs.map((mac) => `ether ${side} ${ethernet.formatMac(mac)}`);
    if (this.#outside && this.#handles.length === 0) terms.push("ether multicast");
    // A frame from nobody: never.
    return terms.length > 0 ? terms.join(" or ") : "ether src 00:00:00:00:00:00";
  }

  /** A frame lies in the landing slot. */
  #arrived(at: number, bytes: number, truncated: boolean): void {
    if (this.#closed || this.deaf || bytes < ethernet.HEADER || !this.#wants(at)) return;
    this.counters.received++;
    const packet = this.#count < QUEUE ? this.#pool.take() : null;
    if (packet === null) {
      this.counters.noSlot++;
      return;
    }
    this.#pool.bytes.copyWithin(packet.at, at, at + bytes);
    packet.length = bytes;
    packet.wireLength = bytes;
    if (truncated || bytes > this.mtu + ethernet.HEADER + ethernet.TAG) this.counters.oversize++;
    // How long it was cap does not say; longer than any card here sends is what matters.
    if (truncated) packet.wireLength = SLOT_BYTES + 1;
    packet.arrivedAt = this.#cards.now();
    this.#queue[(this.#head + this.#count++) % QUEUE] = packet.slot;
    this.#cards.onReady();
  }

  #wants(at: number): boolean {
    const { view } = this.#pool;
    if (!this.#outside) {
      if (!this.#wanted.includes(ethernet.source(view, at))) return false;
      return this.#kept === null || !keptByKernel(ethernet.destination(view, at), this.#kept);
    }
    // What a device sent itself and a switch brought back is not for it.
    if (this.#wanted.includes(ethernet.source(view, at))) return false;
    return (
      ((view.getUint8(at) & 1) === 1 && this.#kept === null) || this.#wanted.includes(ethernet.destination(view, at))
    );
  }

  receive(): Packet | null {
    if (this.#count === 0) return null;
    const packet = this.#pool.packet(this.#queue[this.#head] ?? 0);
    this.#head = (this.#head + 1) % QUEUE;
    this.#count--;
    return packet;
  }

  send(packet: Packet): void {
    if (packet.kind === DECOY && this.#ip !== null && this.#ip.takes(packet)) {
      const buffer = this.#buffers[packet.slot];
      if (buffer !== undefined) {
        this.#ip.send(packet, buffer, (routed) => {
          if (routed) this.#sent(packet);
          else this.#inject(packet);
        });
        return;
      }
    }
    this.#inject(packet);
  }

  /** The whole frame, by libpcap. */
  #inject(packet: Packet): void {
    const { pad, length } = packet;
    const handle = this.#handles[0];
    const buffer = this.#buffers[packet.slot];
    if (handle === undefined || buffer === undefined || this.#closed || length + pad > SLOT_BYTES) {
      this.#refused(packet);
      return;
    }
    if (pad > 0) this.#pool.bytes.fill(0, packet.at + length, packet.at + length + pad);
    try {
      handle.send(buffer, length + pad);
    } catch {
      // Too long, the device queue full, or the interface down: cap throws for all.
      this.#refused(packet);
      return;
    }
    this.#sent(packet);
  }

  #sent(packet: Packet): void {
    this.counters.sent++;
    this.#pool.release(packet);
  }

  #refused(packet: Packet): void {
    this.counters.refused++;
    this.#pool.release(packet);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.up = false;
    for (const handle of this.#handles) handle.close();
    this.empty();
  }

  /** Gives back what came and was not received; how many frames. */
  empty(): number {
    const frames = this.#count;
    for (let packet = this.receive(); packet !== null; packet = this.receive()) this.#pool.release(packet);
    return frames;
  }
}

/** How to open the pair. */
export interface LibpcapOptions {
  readonly inside: string;
  readonly outside: string;
}

/**
 * Both cards by npm's cap: the portable fallback. It gives no time stamps (arrival is the time of the callback), no drop
 * counter and no sign of partial checksums. A callback comes for each frame, and cap drains until nothing is left before
 * anything else of this process runs, so `onReady` has to do all due work. When an interface goes down, cap aborts the
 * process (an assertion on the poll status); whoever uses these cards gives them a process of their own.
 */
export class LibpcapCards implements Cards, SharedCards {
  readonly inside: LibpcapNic;
  readonly outside: LibpcapNic;
  /** Called after each frame that came. */
  onReady: () => void = () => undefined;
  #finished = false;
  /** performance.now() has nanoseconds and makes no garbage, but another zero than CLOCK_MONOTONIC. */
  readonly #zero = Number(process.hrtime.bigint()) / 1e3 - performance.now() * 1e3;

  /** Throws HushboxError: library-missing, interface-missing, permission, host. */
  constructor(
    opts: LibpcapOptions,
    modules: {
      readonly pool: Pool;
      readonly macs: readonly number[];
      readonly ip?: IpSender;
      readonly cap?: CapModule;
    },
  ) {
    const { pool, macs } = modules;
    const cap = modules.cap ?? loadCap();
    const buffers = Array.from({ length: pool.capacity }, (_, slot) =>
      Buffer.from(pool.buffer, slot * SLOT_BYTES, SLOT_BYTES),
    );
    const shared = { pool, cards: this, cap, buffers };
    this.inside = new LibpcapNic({ name: opts.inside, outside: false }, { ...shared, ip: null });
    this.outside = new LibpcapNic({ name: opts.outside, outside: true }, { ...shared, ip: modules.ip ?? null });
    this.filter(macs);
  }

  filter(macs: readonly number[], bridge: Bridge | null = null): void {
    this.inside.filter(macs, bridge);
    this.outside.filter(macs, bridge);
  }

  /** Without stamps: nothing is heard until all that waits in libpcap was read. That is a whole turn of the event loop between two immediates. */
  discard(): number {
    let frames = 0;
    for (const nic of [this.inside, this.outside]) {
      frames += nic.empty();
      nic.deaf = true;
    }
    setImmediate(() =>
      setImmediate(() => {
        for (const nic of [this.inside, this.outside]) nic.deaf = this.#finished;
      }),
    );
    return frames;
  }

  finish(): void {
    this.#finished = true;
    this.inside.deaf = true;
    this.outside.deaf = true;
  }

  /** CLOCK_MONOTONIC in microseconds. */
  now(): Micros {
    return (this.#zero + performance.now() * 1e3) as Micros;
  }

  /** The time; everything was sent and received already, and waiting is the event loop's. */
  turn(): Micros {
    return this.now();
  }

  close(): void {
    this.inside.close();
    this.outside.close();
  }
}
