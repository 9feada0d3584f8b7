import type { Keystream } from "./keystream.js";

// TLS 1.3 as an observer sees it (RFC 8446): a readable hello either way, then records of what looks random.

const HANDSHAKE = 22;
const CHANGE_CIPHER = 20;
const APPLICATION = 23;
/** Record header, inner content type and seal. */
export const RECORD_OVERHEAD = 22;
const RECORD_MOST = 16_384;
/** Bytes of a ClientHello record, as browsers and speakers pad it (RFC 7685). */
const HELLO_BYTES = 517;

function word(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function record(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3]), word(body.length), body]);
}

function handshake(type: number, body: Buffer): Buffer {
  return record(HANDSHAKE, Buffer.concat([Buffer.from([type, 0]), word(body.length), body]));
}

function extension(type: number, body: Buffer): Buffer {
  return Buffer.concat([word(type), word(body.length), body]);
}

/** A ClientHello that names a host. */
export function clientHello(noise: Keystream, host: string): Buffer {
  const name = Buffer.from(host);
  const front = Buffer.concat([
    word(0x0303),
    noise.bytes(32),
    Buffer.from([32]),
    noise.bytes(32),
    word(6),
    Buffer.from("130113021303", "hex"),
    Buffer.from([1, 0]),
  ]);
  const extensions = Buffer.concat([
    extension(0, Buffer.concat([word(name.length + 3), Buffer.from([0]), word(name.length), name])),
    extension(43, Buffer.from([2, 3, 4])),
    extension(10, Buffer.from("0002001d", "hex")),
    extension(13, Buffer.from("00080403080404010501", "hex").subarray(0, 10)),
    extension(51, Buffer.concat([Buffer.from("0024001d0020", "hex"), noise.bytes(32)])),
  ]);
  // Record and handshake header, the extensions' length, and the padding extension's own header.
  const padding = Math.max(0, HELLO_BYTES - 9 - front.length - 2 - extensions.length - 4);
  const all = Buffer.concat([extensions, extension(21, Buffer.alloc(padding))]);
  return handshake(1, Buffer.concat([front, word(all.length), all]));
}

/** The server's first flight: ServerHello, and certificates that nobody can read, `bytes` in all. */
export function serverFlight(noise: Keystream, bytes: number): Buffer {
  const share = extension(51, Buffer.concat([Buffer.from("001d0020", "hex"), noise.bytes(32)]));
  const extensions = Buffer.concat([share, extension(43, word(0x0304))]);
  const body = [word(0x0303), noise.bytes(32), Buffer.from([32]), noise.bytes(32), word(0x1301), Buffer.from([0])];
  const hello = handshake(2, Buffer.concat([...body, word(extensions.length), extensions]));
  const front = Buffer.concat([hello, record(CHANGE_CIPHER, Buffer.from([1]))]);
  return Buffer.concat([front, records(noise, Math.max(1, bytes - front.length - RECORD_OVERHEAD))]);
}

/** The client's last handshake message. */
export function clientFinished(noise: Keystream): Buffer {
  return Buffer.concat([record(CHANGE_CIPHER, Buffer.from([1])), records(noise, 36)]);
}

/** The goodbye of one side. */
export function closeNotify(noise: Keystream): Buffer {
  return records(noise, 2);
}

/** Application bytes in records. */
export function records(noise: Keystream, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let left = bytes; left > 0; left -= RECORD_MOST) {
    parts.push(record(APPLICATION, noise.bytes(Math.min(left, RECORD_MOST) + RECORD_OVERHEAD - 5)));
  }
  return Buffer.concat(parts);
}
