/**
 * The ones' complement sum of `length` bytes (RFC 1071), folded far enough that sums can be chained without end. An odd last byte
 * counts as the high half of a word, so only the last part of a chain may be odd. A 64 KiB part cannot overflow an int32 half.
 */
export function sum(view: DataView, at: number, length: number, initial = 0): number {
  let high = 0;
  let low = initial;
  let i = at;
  for (const words = at + (length & ~15); i < words; i += 16) {
    const a = view.getInt32(i);
    const b = view.getInt32(i + 4);
    const c = view.getInt32(i + 8);
    const d = view.getInt32(i + 12);
    high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
  }
  for (const halves = at + (length & ~1); i < halves; i += 2) low += view.getUint16(i);
  if ((length & 1) === 1) low += view.getUint8(i) << 8;
  return (high & 0xffff) + (high >>> 16) + (low & 0xffff) + (low >>> 16);
}

/** The checksum that a sum makes: folded to 16 bits and complemented. */
export function fold(value: number): number {
  const once = (value & 0xffff) + (value >>> 16);
  return ~(once + (once >>> 16)) & 0xffff;
}
