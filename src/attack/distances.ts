import { HushboxError } from "../errors/hushbox-error.js";

/** Rows that are measured side by side: four registers of four sums. */
export const LANES = 16;
/** From the sums of sixteen rows to those of the next: a word of bits stands between, the lowest for the first row, and three words of nothing. */
export const STRIDE = 20;
const PAGE = 65_536;
const MOST_PAGES = 65_536;

/*
 * The one loop in which neighbours spend their time, as WebAssembly, since JavaScript has no vector instructions: one of them multiplies eight
 * differences and adds the products in pairs. 360 searches in 1437 × 64 spend 1.4 ms here and 2.4 ms around it; in doubles, eight rows side by side in
 * vectors of two, they took 8 ms, and in JavaScript 26 (test/bench/attacks.ts). In words, where ² and + make one number of two columns:
 *
 *   measure(at, end, stop, out, limit)               addresses in bytes; the point begins at 0 and ends at stop
 *     do  a = b = c = d = 0; p = 0
 *         do  v = the two columns at p, four times
 *             a += (v - [at])², b += (v - [at + 16])², c += (v - [at + 32])², d += (v - [at + 48])²
 *             at += 64; p += 4
 *         while p < stop
 *         [out] = a, [out + 16] = b, [out + 32] = c, [out + 48] = d, [out + 64] = a bit for each sum up to limit; out += 80
 *     while at < end
 */
const [AT, END, STOP, OUT, LIMIT, P, V, OFF, SUMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [I32, V128, NOTHING] = [0x7f, 0x7b, 0x40];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const loop = (...body: number[][]): number[] => [0x03, NOTHING, ...body.flat(), 0x0b];
const addI32 = (local: number, bytes: number): number[] => [...get(local), 0x41, ...signed(bytes), 0x6a, ...set(local)];
const againIfBelow = (local: number, limit: number): number[] => [...get(local), ...get(limit), 0x49, 0x0d, 0];
const load = (offset: number): number[] => [0xfd, 0x00, 4, offset];
const loadPair = [0xfd, 0x09, 2, 0];
const store = (offset: number): number[] => [0xfd, 0x0b, 4, offset];
const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const add = [0xfd, 0xae, 0x01];
const subtract = [0xfd, 0x91, 0x01];
const multiplyAndPair = [0xfd, 0xba, 0x01];
const broadcast = [0xfd, 0x11];
const atMost = [0xfd, 0x3d];
const narrow = [0xfd, 0x85, 0x01];
const narrower = [0xfd, 0x65];
const bits = [0xfd, 0x64];
const storeI32 = (offset: number): number[] => [0x36, 2, ...unsigned(offset)];
const QUARTERS = [0, 1, 2, 3];

/** One function of four addresses and a limit, exported as "f". */
function module(): Uint8Array<ArrayBuffer> {
  const body = loop(
    ...QUARTERS.map((i) => [...zero, ...set(SUMS + i)]),
    [0x41, 0, ...set(P)],
    loop(
      [...get(P), ...loadPair, ...set(V)],
      ...QUARTERS.map((i) => [
        ...[...get(SUMS + i), ...get(V), ...get(AT), ...load(16 * i), ...subtract],
        ...[...tee(OFF), ...get(OFF), ...multiplyAndPair, ...add, ...set(SUMS + i)],
      ]),
      addI32(AT, 64),
      addI32(P, 4),
      againIfBelow(P, STOP),
    ),
    ...QUARTERS.map((i) => [...get(OUT), ...get(SUMS + i), ...store(16 * i)]),
    get(OUT),
    ...QUARTERS.map((i) => [...get(SUMS + i), ...get(LIMIT), ...broadcast, ...atMost, ...(i % 2 === 1 ? narrow : [])]),
    [...narrower, ...bits, ...storeI32(64)],
    addI32(OUT, 80),
    againIfBelow(AT, END),
  );
  const locals = [2, 1, I32, 6, V128];
  const code = [...locals, ...body, 0x0b];
  return Uint8Array.from([
    // Magic number and version.
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 5, I32, I32, I32, I32, I32, 0]),
    // Imports: the memory "m" of "m", of one page or more.
    ...section(2, [1, 1, 0x6d, 1, 0x6d, 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

const section = (id: number, bytes: number[]): number[] => [id, ...unsigned(bytes.length), ...bytes];
const unsigned = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >> 7)]);
/** Of numbers from 0 to 8191. */
const signed = (value: number): number[] => (value < 64 ? [value] : [(value & 127) | 128, value >> 7]);

type Measure = (at: number, end: number, stop: number, out: number, limit: number) => void;

/** What is used of WebAssembly; Node's types leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly f: Measure } };
};

let compiled: object | undefined;

/** Squared Euclidean distances between points of 16-bit whole numbers: from one to many, which have places. Sums must stay below 2³¹. */
export class Distances {
  /** Where the point belongs before `measure`. */
  readonly point: Int16Array;
  readonly #found: Int32Array;
  /** Sixteen places side by side: two columns of each, then the next two. */
  readonly #points: Int16Array;
  /** Columns, and one more where they are odd: 0 everywhere. */
  readonly #even: number;
  readonly #measure: Measure;
  readonly #outAt: number;
  readonly #pointsAt: number;

  /** `places`: how many there are; `most`: how many are measured at once. Both multiples of LANES. Every number is 0 at first. */
  constructor(columns: number, places: number, most: number) {
    this.#even = columns + (columns % 2);
    this.#outAt = 16 * Math.ceil((2 * this.#even) / 16);
    this.#pointsAt = this.#outAt + 4 * (most / LANES) * STRIDE;
    const pages = Math.ceil((this.#pointsAt + 2 * places * this.#even) / PAGE);
    if (pages > MOST_PAGES)
      throw new HushboxError(
        "samples-invalid",
        `looking for neighbours: ${String(places)} rows of ${String(columns)} columns are more than 4 GB`,
      );
    const memory = new WebAssembly.Memory({ initial: pages });
    this.point = new Int16Array(memory.buffer, 0, columns);
    this.#found = new Int32Array(memory.buffer, this.#outAt, (most / LANES) * STRIDE);
    this.#points = new Int16Array(memory.buffer, this.#pointsAt, places * this.#even);
    compiled ??= new WebAssembly.Module(module());
    this.#measure = new WebAssembly.Instance(compiled, { m: { m: memory } }).exports.f;
  }

  /** Puts a point at a place. */
  put(place: number, point: Int16Array): void {
    const lane = place % LANES;
    const base = (place - lane) * this.#even + 2 * lane;
    for (let column = 0; column < point.length; column++)
      this.#points[base + (column >> 1) * 2 * LANES + (column & 1)] = point[column] ?? 0;
  }

  /**
   * From the point to the places [from, to), `from` being a multiple of LANES: by sixteen, the sums and then a bit for each that is `limit`
   * (below 2³¹) or less. What fills up the last sixteen is measured, too. Overwritten by the next call.
   */
  measure(from: number, to: number, limit: number): Int32Array {
    const row = 2 * this.#even;
    const end = LANES * Math.ceil(to / LANES);
    this.#measure(this.#pointsAt + from * row, this.#pointsAt + end * row, row, this.#outAt, limit);
    return this.#found;
  }
}
