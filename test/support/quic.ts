import { QuicPrefix } from "../../src/defense/pad/quic-prefix.js";
import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { DOWN, UP } from "../../src/packet/packet.js";
import { micros } from "../../src/time/micros.js";
import { frame, hex, over } from "./frame.js";
import { arrive, leave } from "./grown.js";

export const VERSION_1 = 1;
export const VERSION_2 = 0x6b3343cf;

/** The bits of a long header's type (RFC 9000, 17.2; RFC 9369, 3.2). */
const TYPES: Record<string, [v1: number, v2: number]> = {
  initial: [0, 1],
  "0-rtt": [1, 2],
  handshake: [2, 3],
  retry: [3, 0],
};
type Type = "initial" | "0-rtt" | "handshake" | "retry";

export interface Long {
  readonly version?: number;
  readonly destination?: Uint8Array;
  readonly source?: Uint8Array;
  /** Bytes of the whole datagram's payload. */
  readonly size?: number;
  /** The fixed bit is left out (RFC 9287). */
  readonly greased?: boolean;
}

/** A UDP payload that begins with a long header packet; behind its connection IDs stands nothing of sense. */
export function long(type: Type, shape: Long = {}): Uint8Array {
  const { version = VERSION_1, destination = hex("d0d1d2d3d4d5d6d7"), source = hex("c0c1c2c3"), size = 1200 } = shape;
  const bytes = new Uint8Array(size).fill(0x5a);
  const bits = TYPES[type]?.[version === VERSION_2 ? 1 : 0] ?? 0;
  bytes[0] = 0x80 | (shape.greased === true ? 0 : 0x40) | (bits << 4);
  over(bytes).setUint32(1, version);
  bytes[5] = destination.length;
  bytes.set(destination, 6);
  bytes[6 + destination.length] = source.length;
  bytes.set(source, 7 + destination.length);
  return bytes;
}

/** A short header packet of `size` bytes. */
export function short(destination: Uint8Array, size = 40, greased = false): Uint8Array {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 37 + size) & 0xff);
  bytes[0] = greased ? 0x1c : 0x5c;
  bytes.set(destination.subarray(0, size - 1), 1);
  return bytes;
}

/** What the receiver of a datagram finds, packet by packet (RFC 9000, 12.2). */
export interface Found {
  readonly type: string;
  readonly version: number;
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  /** Bytes behind the header. */
  readonly sealed: number;
  readonly packet: Uint8Array;
}

/** Takes a datagram apart as a server does whose connection IDs have `idBytes`; throws where it is malformed. */
export function coalesced(datagram: Uint8Array, idBytes: number): Found[] {
  const found: Found[] = [];
  let rest = datagram;
  while (rest.length > 0) {
    const first = rest[0] ?? 0;
    if ((first & 0x80) === 0) {
      const destination = rest.slice(1, 1 + idBytes);
      found.push({ type: "1-rtt", version: 0, destination, source: new Uint8Array(0), sealed: 0, packet: rest });
      return found;
    }
    const view = over(rest);
    const version = view.getUint32(1);
    const bits = (first >> 4) & 3;
    const type = Object.keys(TYPES).find((name) => TYPES[name]?.[version === VERSION_2 ? 1 : 0] === bits) ?? "";
    if (type === "initial" || type === "retry") throw new Error("not what a prefix may be");
    const destinationEnd = 6 + view.getUint8(5);
    const sourceEnd = destinationEnd + 1 + view.getUint8(destinationEnd);
    if (view.getUint8(sourceEnd) >> 6 !== 1) throw new Error("a length of another size");
    const length = view.getUint16(sourceEnd) & 0x3fff;
    const end = sourceEnd + 2 + length;
    if (end > rest.length) throw new Error(`a packet of ${end} bytes in a datagram of ${rest.length}`);
    found.push({
      type,
      version,
      destination: rest.slice(6, destinationEnd),
      source: rest.slice(destinationEnd + 1, sourceEnd),
      sealed: length,
      packet: rest.slice(0, end),
    });
    rest = rest.slice(end);
  }
  return found;
}

/** A client and a server on UDP 443, with the mechanism between them. */
export class QuicTalk {
  readonly mechanism: QuicPrefix;
  readonly #modules: MechanismModules;
  readonly #port: number;
  readonly #client: string;
  readonly #server: string;
  readonly #sourcePort: number;

  constructor(modules: MechanismModules, { six = false, port = 443, sourcePort = 40000 } = {}) {
    this.#modules = modules;
    this.mechanism = new QuicPrefix(modules);
    this.#client = six ? "2001:db8::1" : "192.0.2.1";
    this.#server = six ? "2001:db8::2" : "198.51.100.7";
    this.#port = port;
    this.#sourcePort = sourcePort;
  }

  /** The frame of a datagram up. */
  frame(payload: Uint8Array): Uint8Array {
    const [from, to] = [this.#client, this.#server];
    return frame({ from, to, sourcePort: this.#sourcePort, destinationPort: this.#port, payload });
  }

  /** Sends a datagram up; answers the frame that left. */
  up(payload: Uint8Array, target = 1514, bend: (frame: Uint8Array) => void = () => undefined): Uint8Array {
    const bytes = this.frame(payload);
    bend(bytes);
    const packet = arrive(this.#modules, bytes, { direction: UP });
    this.mechanism.grow(packet, target, this.#modules.destinations.of(packet, this.#modules.pool.view), micros(0));
    return leave(this.#modules, packet);
  }

  /** Sends a datagram down. */
  down(payload: Uint8Array): void {
    const [from, to] = [this.#server, this.#client];
    const bytes = frame({ from, to, sourcePort: this.#port, destinationPort: this.#sourcePort, payload });
    const packet = arrive(this.#modules, bytes, { direction: DOWN });
    this.mechanism.clean(packet);
    leave(this.#modules, packet);
  }
}
