/**
 * Copies `length` bytes between two arrays. The subarray does not outlive the call and costs nothing then: 1400 bytes in 87 ns against
 * 510 word by word, 60 bytes in 50 against 40 (test/bench/wire.ts).
 */
export function copy(from: Uint8Array, at: number, into: Uint8Array, to: number, length: number): void {
  into.set(from.subarray(at, at + length), to);
}
