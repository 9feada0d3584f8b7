import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";

/** Keys of one direction of one packet space (RFC 9001, section 5.1). */
export interface Keys {
  key: Buffer;
  iv: Buffer;
  mask: Buffer;
}

export type Side = "client" | "server";

// RFC 9001, section 5.2: every observer can derive the keys of Initial packets from the client's first connection ID.
const INITIAL_SALT = Buffer.from("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "hex");
const TAG_BYTES = 16;
/** Packet numbers are always written in two bytes here. */
export const NUMBER_BYTES = 2;

function mac(key: Buffer, data: Buffer): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** HKDF-Expand-Label (RFC 8446, section 7.1) with an empty context, for up to 32 bytes. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`);
  return mac(secret, Buffer.concat([Buffer.from([0, length, full.length]), full, Buffer.from([0, 1])])).subarray(
    0,
    length,
  );
}

function keys(secret: Buffer): Keys {
  return {
    key: expand(secret, "quic key", 16),
    iv: expand(secret, "quic iv", 12),
    mask: expand(secret, "quic hp", 16),
  };
}

/** Keys of Initial packets, as every QUIC implementation derives them. */
export function initialKeys(connectionId: Buffer, side: Side): Keys {
  return keys(expand(mac(INITIAL_SALT, connectionId), side === "client" ? "client in" : "server in", 32));
}

/**
 * Keys of Handshake and 1-RTT packets. There is no TLS in the emulated QUIC: both ends derive them from the connection ID,
 * so that the bytes look as random as real ones and a changed byte is noticed. They keep nothing secret.
 */
export function emulatedKeys(connectionId: Buffer, side: Side, space: "handshake" | "1-rtt"): Keys {
  return keys(mac(connectionId, Buffer.from(`hushbox emulator ${side} ${space}`)));
}

function nonce(iv: Buffer, number: number): Buffer {
  const bytes = Buffer.from(iv);
  bytes.writeUInt32BE((bytes.readUInt32BE(8) ^ number) >>> 0, 8);
  return bytes;
}

function protection(mask: Buffer, sample: Buffer): Buffer {
  return createCipheriv("aes-128-ecb", mask, null).update(sample);
}

/** Seals a packet whose header ends with the two bytes of the packet number, and hides the number (RFC 9001, sections 5.3 and 5.4). */
export function seal(keys: Keys, header: Buffer, number: number, plain: Buffer): Buffer {
  const at = header.length - NUMBER_BYTES;
  header.writeUInt16BE(number & 0xffff, at);
  const cipher = createCipheriv("aes-128-gcm", keys.key, nonce(keys.iv, number)).setAAD(header);
  const packet = Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  const mask = protection(keys.mask, packet.subarray(at + 4, at + 20));
  const first = packet.readUInt8(0);
  packet.writeUInt8(first ^ (mask.readUInt8(0) & (first & 0x80 ? 0x0f : 0x1f)), 0);
  packet.writeUInt16BE(packet.readUInt16BE(at) ^ mask.readUInt16BE(1), at);
  return packet;
}

/** Opens a packet whose number stands at `at`; null where a byte was changed or it is not for these keys. */
export function open(
  keys: Keys,
  sealed: Buffer,
  at: number,
  largest: number,
): { number: number; plain: Buffer } | null {
  if (sealed.length < at + 4 + TAG_BYTES) return null;
  const packet = Buffer.from(sealed);
  const mask = protection(keys.mask, packet.subarray(at + 4, at + 20));
  const first = packet.readUInt8(0);
  packet.writeUInt8(first ^ (mask.readUInt8(0) & (first & 0x80 ? 0x0f : 0x1f)), 0);
  packet.writeUInt16BE(packet.readUInt16BE(at) ^ mask.readUInt16BE(1), at);
  const number = nearest(packet.readUInt16BE(at), largest + 1);
  const body = at + NUMBER_BYTES;
  const decipher = createDecipheriv("aes-128-gcm", keys.key, nonce(keys.iv, number))
    .setAAD(packet.subarray(0, body))
    .setAuthTag(packet.subarray(packet.length - TAG_BYTES));
  try {
    const plain = decipher.update(packet.subarray(body, packet.length - TAG_BYTES));
    decipher.final();
    return { number, plain };
  } catch {
    return null;
  }
}

/** The packet number nearest to the expected one that ends in these two bytes (RFC 9000, appendix A.3). */
function nearest(low: number, expected: number): number {
  const candidate = expected - (expected % 0x1_0000) + low;
  if (candidate <= expected - 0x8000) return candidate + 0x1_0000;
  return candidate > expected + 0x8000 && candidate >= 0x1_0000 ? candidate - 0x1_0000 : candidate;
}
