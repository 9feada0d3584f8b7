// Simple NTP (RFC 5905, section 14): one request, one answer, 48 bytes each.

export const NTP_BYTES = 48;
const VERSION_4 = 4 << 3;
const CLIENT = 3;
const SERVER = 4;
/** Seconds from 1900 to 1970. */
const EPOCH = 2_208_988_800;

function stamp(bytes: Buffer, at: number, ms: number): void {
  bytes.writeUInt32BE(Math.floor(ms / 1000) + EPOCH, at);
  bytes.writeUInt32BE(Math.floor(((ms % 1000) / 1000) * 2 ** 32), at + 4);
}

/** A request that leaves at `ms` since 1970. */
export function timeRequest(ms: number): Buffer {
  const bytes = Buffer.alloc(NTP_BYTES);
  bytes.writeUInt8(VERSION_4 | CLIENT);
  stamp(bytes, 40, ms);
  return bytes;
}

/** The answer to a request; null where it is none. */
export function timeAnswer(request: Buffer, ms: number): Buffer | null {
  if (request.length < NTP_BYTES || (request.readUInt8(0) & 7) !== CLIENT) return null;
  const bytes = Buffer.alloc(NTP_BYTES);
  bytes.writeUInt8(VERSION_4 | SERVER);
  bytes.writeUInt8(1, 1); // Stratum 1: a clock of its own.
  bytes.writeUInt8(request.readUInt8(2), 2);
  bytes.writeInt8(-20, 3); // Precision of about a microsecond.
  bytes.write("HUSH", 12, "latin1");
  stamp(bytes, 16, ms);
  // Origin: the request's transmit time, by which the answer is known to belong to it.
  request.copy(bytes, 24, 40, 48);
  stamp(bytes, 32, ms);
  stamp(bytes, 40, ms);
  return bytes;
}

/** Whether these bytes answer that request with a time. */
export function answersTime(request: Buffer, answer: Buffer): boolean {
  return (
    answer.length === NTP_BYTES &&
    (answer.readUInt8(0) & 7) === SERVER &&
    answer.readUInt8(1) > 0 &&
    answer.subarray(24, 32).equals(request.subarray(40, 48)) &&
    answer.readUInt32BE(40) !== 0
  );
}
