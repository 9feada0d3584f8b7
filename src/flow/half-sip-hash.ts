/**
 * HalfSipHash-1-3 of `count` words under a key of two words (Aumasson and Bernstein, "SipHash: a fast short-input PRF"; the 32-bit
 * variant that Linux uses for its tables on 32-bit machines): who does not know the key cannot aim at one bucket.
 */
export function halfSipHash(key0: number, key1: number, words: Int32Array, count: number): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  // One round for each word, the length as the last one, then three rounds to finish.
  const rounds = count + 4;
  for (let i = 0; i < rounds; i++) {
    const word = i < count ? (words[i] ?? 0) : i === count ? count << 26 : 0;
    v3 ^= word;
    if (i === count + 1) v2 ^= 0xff;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return (v1 ^ v3) >>> 0;
}
