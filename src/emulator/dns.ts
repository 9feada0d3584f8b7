import { HushboxError } from "../errors/hushbox-error.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";

// DNS messages (RFC 1035, section 4), as much as a lookup and a multicast announcement (RFC 6762) need.

export const A = 1;
export const TXT = 16;
export const AAAA = 28;
const IN = 1;
const HEADER_BYTES = 12;

/** A lookup as it stands on the wire. */
export interface Question {
  id: number;
  name: string;
  type: number;
}

export interface Answer {
  id: number;
  /** Response code; 0 is no error, 3 no such name. */
  code: number;
  /** Addresses in the answer section, as bytes. */
  addresses: Buffer[];
}

function nameBytes(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
}

/** A query with recursion desired. */
export function query({ id, name, type }: Question): Buffer {
  return Buffer.concat([words(id, 0x0100, 1, 0, 0, 0), nameBytes(name), words(type, IN)]);
}

/** Reads a query; null where it is none. */
export function readQuery(message: Buffer): Question | null {
  if (message.length < HEADER_BYTES || message.readUInt16BE(2) & 0x8000 || message.readUInt16BE(4) !== 1) return null;
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    if (at >= message.length) return null;
    const length = message.readUInt8(at++);
    if (length === 0) break;
    if (length > 63 || at + length > message.length) return null;
    labels.push(message.toString("latin1", at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return null;
  return { id: message.readUInt16BE(0), name: labels.join(".").toLowerCase(), type: message.readUInt16BE(at) };
}

/** The answer to a query: addresses of the asked type, or no such name where `addresses` is null. */
export function answerTo(question: Question, addresses: readonly Buffer[] | null): Buffer {
  const found = addresses ?? [];
  const flags = 0x8180 | (addresses === null ? 3 : 0);
  const head = words(question.id, flags, 1, found.length, 0, 0);
  // Each record names the question by a pointer to byte 12 (section 4.1.4), and lives for 300 s.
  const records = found.map((address) =>
    Buffer.concat([words(0xc00c, question.type, IN, 0, 300, address.length), address]),
  );
  return Buffer.concat([head, nameBytes(question.name), words(question.type, IN), ...records]);
}

/** Reads an answer whose records point to its question; null where it is none. */
export function readAnswer(message: Buffer, question: Question): Answer | null {
  const start = query(question).length;
  if (message.length < start || !(message.readUInt16BE(2) & 0x8000)) return null;
  if (!message.subarray(HEADER_BYTES, start).equals(query(question).subarray(HEADER_BYTES))) return null;
  const addresses: Buffer[] = [];
  let at = start;
  for (let left = message.readUInt16BE(6); left > 0; left--) {
    if (at + 12 > message.length) return null;
    const length = message.readUInt16BE(at + 10);
    if (at + 12 + length > message.length) return null;
    if (message.readUInt16BE(at + 2) === question.type) addresses.push(message.subarray(at + 12, at + 12 + length));
    at += 12 + length;
  }
  return { id: message.readUInt16BE(0), code: message.readUInt16BE(2) & 0x0f, addresses };
}

/** A multicast DNS announcement of exactly so many bytes (at least 50): a TXT record of a casting service, filled up. */
export function announcement(bytes: number): Buffer {
  const name = nameBytes("_googlecast._tcp.local");
  const fixed = HEADER_BYTES + name.length + 10;
  const text = Buffer.alloc(Math.max(1, bytes - fixed), "x");
  // A TXT record is a row of strings, each with its length in front (RFC 1035, section 3.3.14).
  for (let at = 0; at < text.length; at += 256) text.writeUInt8(Math.min(255, text.length - at - 1), at);
  return Buffer.concat([words(0, 0x8400, 0, 1, 0, 0), name, words(TXT, 0x8000 | IN, 0, 4500, text.length), text]);
}

/** The bytes of an IPv4 or IPv6 address as text. */
export function addressBytes(address: string): Buffer {
  const six = ipv6.parse(address);
  if (six !== null) return Buffer.from(six);
  const four = ipv4.parse(address);
  if (four === null) throw new HushboxError("internal", `${address} is no address`);
  return words(four >>> 16, four & 0xffff);
}
