/** Types of blocks (draft-ietf-opsawg-pcapng, 4). */
export const SECTION_HEADER = 0x0a0d_0d0a;
export const INTERFACE_DESCRIPTION = 1;
/** Obsolete, still met. */
export const PACKET = 2;
export const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;

/** In a section header, read in the section's own byte order. */
export const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Bytes of the smallest block: type and the length at both ends. */
export const SMALLEST_BLOCK = 12;
/** A larger block is damage; Wireshark's limit too. */
export const LARGEST_BLOCK = 16 * 1024 * 1024;

/** Bytes from a block's start to the first byte of its frame, or of its options. */
export const INTERFACE_HEADER = 16;
export const PACKET_HEADER = 28;
export const SIMPLE_PACKET_HEADER = 12;

export const OPTION_END = 0;
export const OPTION_INTERFACE_NAME = 2;
export const OPTION_TIME_RESOLUTION = 9;
export const OPTION_CHECK_SEQUENCE = 13;
export const OPTION_TIME_OFFSET = 14;

export function blockType(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at, little);
}

/** Bytes of the whole block; the standard asks for a multiple of 4, and some writers forget the padding. */
export function blockLength(view: DataView, at: number, little: boolean): number {
  return view.getUint32(at + 4, little);
}

/** Where the option of a code starts between `from` and `end`, or -1. Codes and lengths have 16 bits, values are padded to 4 bytes. */
export function option(view: DataView, from: number, end: number, little: boolean, code: number): number {
  for (let at = from; at + 4 <= end;) {
    const found = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (found === OPTION_END || at + 4 + length > end) return -1;
    if (found === code) return at;
    at += 4 + ((length + 3) & ~3);
  }
  return -1;
}

/** Ticks a second that an `if_tsresol` byte means: a negative power of 10, or of 2 where the top bit is set. */
export function ticksPerSecond(resolution: number): number {
  return (resolution & 0x80) === 0 ? 10 ** resolution : 2 ** (resolution & 0x7f);
}

/**
 * A timestamp in microseconds. Nanoseconds since 1970 do not fit a double, so other resolutions than the usual one are divided in
 * 16-bit digits: exact up to 2^37 ticks a second, and to the double's own grain beyond.
 */
export function micros(high: number, low: number, ticks: number): number {
  if (ticks === 1e6) return high * 0x1_0000_0000 + low;
  if (ticks > 2 ** 37) return ((high * 0x1_0000_0000 + low) / ticks) * 1e6;
  let rest = high % ticks;
  let seconds = Math.floor(high / ticks);
  let digit = rest * 0x1_0000 + (low >>> 16);
  seconds = seconds * 0x1_0000 + Math.floor(digit / ticks);
  rest = digit % ticks;
  digit = rest * 0x1_0000 + (low & 0xffff);
  seconds = seconds * 0x1_0000 + Math.floor(digit / ticks);
  rest = digit % ticks;
  return seconds * 1e6 + (rest / ticks) * 1e6;
}
