// BLAKE2s with a key and a shorter output (RFC 7693), which WireGuard's MACs need and Node's crypto does not have.
const IV = Uint32Array.of(
  ...[0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19],
);
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;
const BLOCK = 64;

function compress(state: Uint32Array, block: DataView, counted: number, last: boolean): void {
  const v = new Uint32Array(16);
  v.set(state);
  v.set(IV, 8);
  v[12] = (v[12] ?? 0) ^ counted;
  if (last) v[14] = ~(v[14] ?? 0);
  const get = (i: number): number => v[i] ?? 0;
  const turn = (value: number, by: number): number => (value >>> by) | (value << (32 - by));
  for (const order of SIGMA) {
    MIXES.forEach(([a, b, c, d], i) => {
      v[a] = get(a) + get(b) + block.getUint32((order[2 * i] ?? 0) * 4, true);
      v[d] = turn(get(d) ^ get(a), 16);
      v[c] = get(c) + get(d);
      v[b] = turn(get(b) ^ get(c), 12);
      v[a] = get(a) + get(b) + block.getUint32((order[2 * i + 1] ?? 0) * 4, true);
      v[d] = turn(get(d) ^ get(a), 8);
      v[c] = get(c) + get(d);
      v[b] = turn(get(b) ^ get(c), 7);
    });
  }
  for (let i = 0; i < 8; i++) state[i] = (state[i] ?? 0) ^ get(i) ^ get(i + 8);
}

/** `length` bytes of the hash of `data`, keyed where `key` has bytes. */
export function blake2s(data: Uint8Array, length = 32, key: Uint8Array = new Uint8Array(0)): Buffer {
  const state = IV.slice();
  state[0] = (state[0] ?? 0) ^ 0x01010000 ^ (key.length << 8) ^ length;
  const all = Buffer.concat([key, Buffer.alloc(key.length === 0 ? 0 : BLOCK - key.length), data]);
  const blocks = Math.max(1, Math.ceil(all.length / BLOCK));
  for (let i = 0; i < blocks; i++) {
    const block = new Uint8Array(BLOCK);
    block.set(all.subarray(i * BLOCK, (i + 1) * BLOCK));
    const last = i === blocks - 1;
    compress(state, new DataView(block.buffer), last ? all.length : (i + 1) * BLOCK, last);
  }
  const out = Buffer.alloc(32);
  state.forEach((word, i) => out.writeUInt32LE(word, i * 4));
  return out.subarray(0, length);
}

/** HMAC of it (RFC 2104). */
export function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  const pad = (byte: number): Buffer => {
    const out = Buffer.alloc(BLOCK, byte);
    key.forEach((k, i) => (out[i] = k ^ byte));
    return out;
  };
  return blake2s(Buffer.concat([pad(0x5c), blake2s(Buffer.concat([pad(0x36), data]))]));
}
