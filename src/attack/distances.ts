import { HushboxError } from "../errors/hushbox-error.js";

/** Rows that are measured side by side: four registers of two doubles. */
export const LANES = 8;
const PAGE = 65_536;
const MOST_PAGES = 65_536;

/*
 * The one loop in which neighbours spend their time, as WebAssembly, since JavaScript has no vector instructions. 360 searches in 1437 × 64: 26 ms
 * in JavaScript, four rows side by side; scikit-learn, whose BLAS has them, takes 9 ms (test/bench/attacks.ts). Each lane adds column after
 * column, as a plain loop would, so that the sums are the same to the last bit. In words:
 *
 *   measure(point, at, end, stop, out)               addresses in bytes; stop: where the point ends
 *     do  a = b = c = d = 0; p = point
 *         do  v = both halves the double at p
 *             a += (v - [at])², b += (v - [at + 16])², c += (v - [at + 32])², d += (v - [at + 48])²
 *             at += 64; p += 8
 *         while p < stop
 *         [out] = a, [out + 16] = b, [out + 32] = c, [out + 48] = d; out += 64
 *     while at < end
 */
const [POINT, AT, END, STOP, OUT, P, V, OFF, SUMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [I32, V128, NOTHING] = [0x7f, 0x7b, 0x40];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const loop = (...body: number[][]): number[] => [0x03, NOTHING, ...body.flat(), 0x0b];
const addI32 = (local: number, bytes: number): number[] => [...get(local), 0x41, ...signed(bytes), 0x6a, ...set(local)];
const againIfBelow = (local: number, limit: number): number[] => [...get(local), ...get(limit), 0x49, 0x0d, 0];
const load = (offset: number): number[] => [0xfd, 0x00, 4, offset];
const loadBoth = [0xfd, 0x0a, 3, 0];
const store = (offset: number): number[] => [0xfd, 0x0b, 4, offset];
const zero = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const add = [0xfd, 0xf0, 0x01];
const subtract = [0xfd, 0xf1, 0x01];
const multiply = [0xfd, 0xf2, 0x01];
const QUARTERS = [0, 1, 2, 3];

/** One function of five addresses, exported as "f". */
function module(): Uint8Array<ArrayBuffer> {
  const body = loop(
    ...QUARTERS.map((i) => [...zero, ...set(SUMS + i)]),
    [...get(POINT), ...set(P)],
    loop(
      [...get(P), ...loadBoth, ...set(V)],
      ...QUARTERS.map((i) => [
        ...[...get(SUMS + i), ...get(V), ...get(AT), ...load(16 * i), ...subtract],
        ...[...tee(OFF), ...get(OFF), ...multiply, ...add, ...set(SUMS + i)],
      ]),
      addI32(AT, 64),
      addI32(P, 8),
      againIfBelow(P, STOP),
    ),
    ...QUARTERS.map((i) => [...get(OUT), ...get(SUMS + i), ...store(16 * i)]),
    addI32(OUT, 64),
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

type Measure = (point: number, at: number, end: number, stop: number, out: number) => void;

/** What is used of WebAssembly; Node's types leave it out. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly f: Measure } };
};

let compiled: object | undefined;

/** Squared Euclidean distances from a point to many rows, which have places: eight of them lie column by column. */
export class Distances {
  /** Where the point belongs before `measure`. */
  readonly point: Float64Array;
  /** Of each measured place; overwritten by the next `measure`. */
  readonly found: Float64Array;
  readonly #points: Float64Array;
  readonly #columns: number;
  readonly #measure: Measure;
  readonly #outAt: number;
  readonly #pointsAt: number;

  /** `places`: how many there are; `most`: how many are measured at once. Both multiples of LANES. Every value is Infinity at first. */
  constructor(columns: number, places: number, most: number) {
    this.#columns = columns;
    this.#outAt = 8 * columns;
    this.#pointsAt = 8 * (columns + most);
    const pages = Math.ceil((this.#pointsAt + 8 * places * columns) / PAGE);
    if (pages > MOST_PAGES)
      throw new HushboxError(
        "samples-invalid",
        `looking for neighbours: ${String(places)} rows of ${String(columns)} columns are more than 4 GB`,
      );
    const memory = new WebAssembly.Memory({ initial: pages });
    this.point = new Float64Array(memory.buffer, 0, columns);
    this.found = new Float64Array(memory.buffer, this.#outAt, most);
    this.#points = new Float64Array(memory.buffer, this.#pointsAt, places * columns).fill(Infinity);
    compiled ??= new WebAssembly.Module(module());
    this.#measure = new WebAssembly.Instance(compiled, { m: { m: memory } }).exports.f;
  }

  /** Puts a row of a matrix at a place. */
  put(place: number, values: Float64Array, row: number): void {
    const lane = place % LANES;
    const base = (place - lane) * this.#columns + lane;
    for (let column = 0; column < this.#columns; column++)
      this.#points[base + column * LANES] = values[row * this.#columns + column] ?? 0;
  }

  /** From the point to the places [from, to), multiples of LANES, into `found`. */
  measure(from: number, to: number): void {
    const row = 8 * this.#columns;
    this.#measure(0, this.#pointsAt + from * row, this.#pointsAt + to * row, row, this.#outAt);
  }
}
