/** Arithmetic on TCP sequence numbers (RFC 9293, 3.4): modulo 2^32, compared by their signed distance. */

/** How far `to` lies behind `from`, in [-2^31, 2^31). */
export function distance(from: number, to: number): number {
  return (to - from) | 0;
}

export function add(sequence: number, bytes: number): number {
  return (sequence + bytes) >>> 0;
}

/** True where `a` comes before `b`. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}
