import * as checksum from "../../src/wire/checksum.js";
import { TCP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { frame, over } from "./frame.js";

/** A TCP segment between a device and a server, as a frame. */
export interface Segment {
  readonly up: boolean;
  readonly sequence: number;
  readonly acknowledgment?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: Uint8Array;
  readonly payload?: Uint8Array;
  readonly six?: boolean;
  readonly port?: number;
}

const NOTHING = new Uint8Array(0);

export function segment(shape: Segment): Uint8Array {
  const { up, six = false, port = 40_000, options = NOTHING, payload = NOTHING } = shape;
  const [device, server] = six ? ["2001:db8::1", "2001:db8:1::2"] : ["192.168.1.5", "198.51.100.7"];
  const bytes = frame({
    from: up ? device : server,
    to: up ? server : device,
    protocol: TCP,
    sourcePort: up ? port : 443,
    destinationPort: up ? 443 : port,
    flags: shape.flags ?? tcp.ACK,
    window: shape.window ?? 500,
    options,
    payload,
  });
  const view = over(bytes);
  const network = 14;
  const at = network + (six ? 40 : 20);
  tcp.setSequence(view, at, shape.sequence >>> 0);
  tcp.setAcknowledgment(view, at, (shape.acknowledgment ?? 0) >>> 0);
  tcp.setUrgent(view, at, shape.urgent ?? 0);
  checksum.completeChecksum(view, six ? 6 : 4, network, TCP, at, bytes.length);
  return bytes;
}

/** Options of a SYN: maximum segment size, SACK permitted. */
export function synOptions(mss: number, sack = true): Uint8Array {
  return Uint8Array.of(2, 4, mss >> 8, mss & 0xff, ...(sack ? [4, 2, 1, 1] : []));
}

/** Two no-operations and a SACK option. */
export function sackOptions(...blocks: readonly (readonly [number, number])[]): Uint8Array {
  const bytes = new Uint8Array(4 + 8 * blocks.length).fill(1);
  const view = over(bytes);
  bytes[2] = 5;
  bytes[3] = 2 + 8 * blocks.length;
  blocks.forEach(([left, right], i) => {
    view.setUint32(4 + 8 * i, left >>> 0);
    view.setUint32(8 + 8 * i, right >>> 0);
  });
  return bytes;
}

/** Two no-operations and timestamps. */
export function stampOptions(value: number, echo: number): Uint8Array {
  const bytes = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0);
  over(bytes).setUint32(4, value);
  over(bytes).setUint32(8, echo);
  return bytes;
}

/** A segment read back. */
export interface Read {
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  readonly payload: Uint8Array;
  readonly sack: (readonly [number, number])[];
  readonly valid: boolean;
  readonly length: number;
}

export function readSegment(bytes: Uint8Array): Read {
  const view = over(bytes);
  const six = view.getUint16(12) === 0x86dd;
  const network = 14;
  const at = network + (six ? 40 : 20);
  const end = network + (six ? 40 + view.getUint16(18) : view.getUint16(16));
  const sack = tcp.option(view, at, tcp.OPTION_SACK);
  const blocks = Array.from({ length: sack === -1 ? 0 : tcp.sackBlocks(view, at) }, (_, i) => {
    return [tcp.sackLeft(view, sack, i), tcp.sackRight(view, sack, i)] as const;
  });
  const header = six || checksum.fold(checksum.sum(view, network, 20)) === 0;
  return {
    sequence: tcp.sequence(view, at),
    acknowledgment: tcp.acknowledgment(view, at),
    flags: tcp.flags(view, at),
    window: tcp.window(view, at),
    urgent: tcp.urgent(view, at),
    payload: bytes.slice(at + tcp.headerLength(view, at), end),
    sack: blocks,
    valid: header && end === bytes.length && checksum.transportValid(view, six ? 6 : 4, network, TCP, at, end),
    length: bytes.length,
  };
}
