import { endianness } from "node:os";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { native, type NetlinkCalls } from "./native.js";

/** Netlink messages (netlink(7), RFC 3549): a header, a fixed part, attributes; all in the machine's own byte order unless a value says otherwise. */

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

export const REQUEST = 0x1;
export const ACK = 0x4;
export const DUMP = 0x300;
export const EXCL = 0x200;
export const CREATE = 0x400;
export const APPEND = 0x800;

const ERROR = 2;
const DONE = 3;
const NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const HEADER = 16;
const LITTLE = endianness() === "LE";
/** The kernel's datagrams are at most 32 KiB (NLMSG_GOODSIZE in a dump with room to choose). */
const ANSWER_BYTES = 1 << 16;
/** Datagrams of one answer; a dump of a bridge's addresses takes one for each few hundred. */
const MOST_DATAGRAMS = 4096;

const NOTHING = new Uint8Array(0);

const aligned = (length: number): number => (length + 3) & ~3;

/** Joins bytes, each part at a multiple of four. */
export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + aligned(part.length), 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += aligned(part.length);
  }
  return bytes;
}

export function u16(value: number): Uint8Array {
  const bytes = new Uint8Array(2);
  new DataView(bytes.buffer).setUint16(0, value, LITTLE);
  return bytes;
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, LITTLE);
  return bytes;
}

/** In network byte order, as nf_tables has its numbers. */
export function be32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

export function be64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

/** A text with the zero byte that ends it. */
export function text(value: string): Uint8Array {
  return new TextEncoder().encode(`${value}\0`);
}

/** An attribute; its length does not count what aligns it. */
export function attribute(type: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, bytes.length, LITTLE);
  view.setUint16(2, type, LITTLE);
  bytes.set(payload, 4);
  return bytes;
}

export function nested(type: number, ...attributes: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NESTED, join(...attributes));
}

/** A message; the kernel answers it under `sequence`. */
export function message(
  head: { readonly type: number; readonly flags: number; readonly sequence: number },
  ...parts: readonly Uint8Array[]
): Uint8Array {
  const body = join(...parts);
  const bytes = new Uint8Array(HEADER + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, LITTLE);
  view.setUint16(4, head.type, LITTLE);
  view.setUint16(6, head.flags, LITTLE);
  view.setUint32(8, head.sequence, LITTLE);
  bytes.set(body, HEADER);
  return bytes;
}

/** A message of an answer, with what follows its header. */
export interface Message {
  readonly type: number;
  readonly sequence: number;
  readonly body: DataView;
}

/** The messages of a datagram; what is cut off is left out. */
export function messagesOf(datagram: Uint8Array): Message[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const found: Message[] = [];
  for (let at = 0; at + HEADER <= view.byteLength;) {
    const length = view.getUint32(at, LITTLE);
    if (length < HEADER || at + length > view.byteLength) break;
    found.push({
      type: view.getUint16(at + 4, LITTLE),
      sequence: view.getUint32(at + 8, LITTLE),
      body: new DataView(view.buffer, view.byteOffset + at + HEADER, length - HEADER),
    });
    at += aligned(length);
  }
  return found;
}

/** The attributes behind a fixed part of `from` bytes, by type; of two of a type the last. */
export function attributesOf(body: DataView, from: number): Map<number, DataView> {
  const found = new Map<number, DataView>();
  for (let at = from; at + 4 <= body.byteLength;) {
    const length = body.getUint16(at, LITTLE);
    if (length < 4 || at + length > body.byteLength) break;
    const value = new DataView(body.buffer, body.byteOffset + at + 4, length - 4);
    found.set(body.getUint16(at + 2, LITTLE) & TYPE_MASK, value);
    at += aligned(length);
  }
  return found;
}

export function readU32(value: DataView, at = 0): number {
  return value.getUint32(at, LITTLE);
}

export function readU16(value: DataView, at = 0): number {
  return value.getUint16(at, LITTLE);
}

export function readText(value: DataView): string {
  const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end));
}

/** What the kernel said to a request: its messages, and the first error with the sequence number of the message that it is about. */
export interface Answer {
  readonly messages: readonly Message[];
  /** 0 where all went well. */
  readonly errno: number;
  /** Of the message at fault. */
  readonly sequence: number;
}

/** A netlink socket. What it owns in the kernel lives as long as it does. */
export class NetlinkSocket {
  readonly #calls: NetlinkCalls;
  readonly #fd: number;
  readonly #ignored = new Uint8Array(ANSWER_BYTES);
  #closed = false;

  /** `groups`: announcements to hear, a bit each. Throws HushboxError `host` where this machine has no such protocol, or does not let us. */
  constructor(protocol: number, groups = 0, calls: NetlinkCalls = native()) {
    this.#calls = calls;
    try {
      this.#fd = calls.netlinkOpen(protocol, groups);
    } catch (cause) {
      const why = messageOf(cause);
      throw new HushboxError(
        "host",
        `opening a netlink socket: ${why}; a service needs AF_NETLINK in RestrictAddressFamilies`,
        cause,
      );
    }
  }

  /** Its number among those that opened it. */
  get number(): number {
    return this.#fd;
  }

  /** Sends messages and gathers the answers until none is left; the kernel gives them at once. */
  ask(request: Uint8Array): Answer {
    const messages: Message[] = [];
    let errno = 0;
    let sequence = 0;
    let rest = request;
    for (let i = 0; i < MOST_DATAGRAMS; i++) {
      const answer = new Uint8Array(ANSWER_BYTES);
      const length = this.#calls.netlinkTalk(this.#fd, rest, answer);
      if (length === 0) break;
      rest = NOTHING;
      for (const found of messagesOf(answer.subarray(0, length))) {
        if (found.type === ERROR && found.body.byteLength >= 4) {
          const code = -found.body.getInt32(0, LITTLE);
          if (code === 0 || errno !== 0) continue;
          errno = code;
          sequence = found.sequence;
        } else if (found.type !== DONE) messages.push(found);
      }
    }
    return { messages, errno, sequence };
  }

  /** True where something was announced since the last time, also where it was too much to keep (ENOBUFS). */
  heard(): boolean {
    let any = false;
    try {
      while (this.#calls.netlinkTalk(this.#fd, NOTHING, this.#ignored) > 0) any = true;
    } catch {
      return true;
    }
    return any;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#closed) this.#calls.netlinkClose(this.#fd);
    this.#closed = true;
  }
}
