/*
 * Multicast DNS (RFC 6762) and service discovery (RFC 6763), as much as asking who is there needs. What comes back is a stranger's: a
 * message that makes no sense reads as an empty one.
 */

const HEADER_BYTES = 12;
const PTR = 12;
const TXT = 16;
const SRV = 33;
const A = 1;
const IN = 1;
/** Names are followed through so many pointers: more is a loop. */
const MOST_POINTERS = 16;

export interface Answers {
  /** Instances by the service that they offer. */
  readonly instances: readonly { readonly service: string; readonly instance: string }[];
  /** Words of an instance's TXT record: `fn=Kitchen`. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** The host that an instance is on. */
  readonly hosts: ReadonlyMap<string, string>;
  /** IPv4 addresses of hosts. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** One question for all services: who offers them? */
export function question(services: readonly string[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(services.length, 4);
  return Buffer.concat([header, ...services.map((service) => Buffer.concat([encoded(service), words(PTR, IN)]))]);
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, i) => bytes.writeUInt16BE(value, 2 * i));
  return bytes;
}

function encoded(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.of(0)]);
}

/** Reads an answer; null where it is none or makes no sense. */
export function readAnswers(message: Buffer): Answers | null {
  // A response without an error.
  if (message.length < HEADER_BYTES || (message.readUInt16BE(2) & 0x800f) !== 0x8000) return null;
  const instances: { service: string; instance: string }[] = [];
  const texts = new Map<string, string[]>();
  const hosts = new Map<string, string>();
  const addresses = new Map<string, string>();
  let at = HEADER_BYTES;
  for (let left = message.readUInt16BE(4); left > 0; left--) {
    const name = readName(message, at);
    if (name === null) return null;
    at = name.end + 4;
  }
  const records = message.readUInt16BE(6) + message.readUInt16BE(8) + message.readUInt16BE(10);
  for (let left = records; left > 0; left--) {
    const name = readName(message, at);
    if (name === null || name.end + 10 > message.length) return null;
    const type = message.readUInt16BE(name.end);
    const data = name.end + 10;
    at = data + message.readUInt16BE(name.end + 8);
    if (at > message.length) return null;
    if (type === PTR) {
      const instance = readName(message, data);
      if (instance === null) return null;
      instances.push({ service: name.text.toLowerCase(), instance: instance.text });
    } else if (type === SRV) {
      const host = readName(message, data + 6);
      if (host === null) return null;
      hosts.set(name.text, host.text);
    } else if (type === TXT) texts.set(name.text, strings(message.subarray(data, at)));
    else if (type === A && at - data === 4) addresses.set(name.text, message.subarray(data, at).join("."));
  }
  return { instances, words: texts, hosts, addresses };
}

/** A name with its labels between dots, and where it ends. Dots within a label stay, so that `Dr. Who._googlecast…` reads as it is. */
function readName(message: Buffer, from: number): { text: string; end: number } | null {
  const labels: string[] = [];
  let at = from;
  let end = -1;
  for (let pointers = 0; ;) {
    if (at >= message.length) return null;
    const length = message.readUInt8(at);
    if (length === 0) return { text: labels.join("."), end: end < 0 ? at + 1 : end };
    if ((length & 0xc0) === 0xc0) {
      if (at + 2 > message.length || ++pointers > MOST_POINTERS) return null;
      if (end < 0) end = at + 2;
      at = message.readUInt16BE(at) & 0x3fff;
      continue;
    }
    if (length > 63 || at + 1 + length > message.length || labels.length > 127) return null;
    labels.push(message.toString("utf8", at + 1, at + 1 + length));
    at += 1 + length;
  }
}

function strings(bytes: Buffer): string[] {
  const found: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt8(at);
    found.push(bytes.toString("utf8", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return found;
}
