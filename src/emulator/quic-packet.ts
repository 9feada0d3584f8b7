import { NUMBER_BYTES, open, seal, type Keys } from "./quic-seal.js";

/** Types of long header packets (RFC 9000, section 17.2), as they stand in the first byte. */
export const INITIAL = 0xc0;
export const HANDSHAKE = 0xe0;

/** Bytes of connection IDs that are not empty. */
export const ID_BYTES = 8;

/** What stands in front of the sealed part of a packet within a datagram. */
export interface Header {
  /** INITIAL, HANDSHAKE, another long type, or 0 for a short header. */
  type: number;
  destination: Buffer;
  source: Buffer;
  /** Where the packet number stands, counted from the packet's first byte. */
  numberAt: number;
  /** The packet's own bytes. */
  packet: Buffer;
}

const VERSION_1 = 1;
const TAG_BYTES = 16;

/** A sealed long header packet with an empty token. */
export function longPacket(
  type: typeof INITIAL | typeof HANDSHAKE,
  ids: { destination: Buffer; source: Buffer },
  keys: Keys,
  number: number,
  plain: Buffer,
): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(type | (NUMBER_BYTES - 1));
  head.writeUInt32BE(VERSION_1, 1);
  const token = type === INITIAL ? [Buffer.from([0])] : [];
  const length = Buffer.alloc(2);
  // A variable-length integer of two bytes (RFC 9000, section 16).
  length.writeUInt16BE(0x4000 | (NUMBER_BYTES + plain.length + TAG_BYTES));
  const { destination, source } = ids;
  const lengths = [Buffer.from([destination.length]), destination, Buffer.from([source.length]), source];
  return seal(keys, Buffer.concat([head, ...lengths, ...token, length, Buffer.alloc(NUMBER_BYTES)]), number, plain);
}

/** Bytes that `longPacket` adds to its plain text. */
export function longOverhead(type: number, destination: number, source: number): number {
  return 5 + 2 + destination + source + (type === INITIAL ? 1 : 0) + 2 + NUMBER_BYTES + TAG_BYTES;
}

/** A sealed short header packet. */
export function shortPacket(destination: Buffer, keys: Keys, number: number, plain: Buffer): Buffer {
  const head = Buffer.from([0x40 | (NUMBER_BYTES - 1)]);
  return seal(keys, Buffer.concat([head, destination, Buffer.alloc(NUMBER_BYTES)]), number, plain);
}

/** Takes a datagram apart; stops at the first thing that is not QUIC version 1. `idBytes`: length of the connection ID in a short header. */
export function headers(datagram: Buffer, idBytes: number): Header[] {
  const found: Header[] = [];
  let rest = datagram;
  while (rest.length > 0) {
    const header = rest.readUInt8(0) & 0x80 ? long(rest) : short(rest, idBytes);
    if (header === null) break;
    found.push(header);
    rest = rest.subarray(header.packet.length);
  }
  return found;
}

function short(rest: Buffer, idBytes: number): Header | null {
  if ((rest.readUInt8(0) & 0xc0) !== 0x40 || rest.length < 1 + idBytes + NUMBER_BYTES) return null;
  const destination = rest.subarray(1, 1 + idBytes);
  return { type: 0, destination, source: Buffer.alloc(0), numberAt: 1 + idBytes, packet: rest };
}

function long(rest: Buffer): Header | null {
  if (rest.length < 7 || rest.readUInt32BE(1) !== VERSION_1) return null;
  const type = rest.readUInt8(0) & 0xf0;
  const destinationEnd = 6 + rest.readUInt8(5);
  if (rest.length <= destinationEnd) return null;
  const sourceEnd = destinationEnd + 1 + rest.readUInt8(destinationEnd);
  // Our own Initial packets have an empty token, one byte of zero.
  const lengthAt = sourceEnd + (type === INITIAL ? 1 : 0);
  if (rest.length < lengthAt + 2 || (type === INITIAL && rest.readUInt8(sourceEnd) !== 0)) return null;
  const length = rest.readUInt16BE(lengthAt);
  const end = lengthAt + 2 + (length & 0x3fff);
  if ((length & 0xc000) !== 0x4000 || rest.length < end) return null;
  const destination = rest.subarray(6, destinationEnd);
  const source = rest.subarray(destinationEnd + 1, sourceEnd);
  return { type, destination, source, numberAt: lengthAt + 2, packet: rest.subarray(0, end) };
}

/** Opens the packet behind a header. */
export function opened(header: Header, keys: Keys, largest: number): { number: number; plain: Buffer } | null {
  return open(keys, header.packet, header.numberAt, largest);
}
