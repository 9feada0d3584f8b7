import { HushboxError } from "../errors/hushbox-error.js";
import type { SavedModel } from "./attack.js";

type Packable = Float64Array | Int32Array | Uint8Array;

/** An array as base64 of its bytes, lowest byte first. */
export function packed(array: Packable): string {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");
}

/** Reads what an attack wrote. Every reader throws `model-invalid`, naming attack and field, where the field is not what was written. */
export class SavedFields {
  readonly #saved: Readonly<Record<string, unknown>>;
  readonly #attack: string;

  constructor(saved: SavedModel, attack: string) {
    this.#attack = attack;
    const given: unknown = saved;
    if (typeof given !== "object" || given === null) throw this.wrong("it is no object");
    this.#saved = saved;
    if (saved.attack !== attack) throw this.wrong(`it is a model of ${JSON.stringify(saved.attack)}`);
  }

  /** An integer from `low` to `high`, both inclusive. */
  integer(key: string, low: number, high: number): number {
    const value = this.#saved[key];
    if (typeof value !== "number" || !Number.isInteger(value) || value < low || value > high)
      throw this.wrong(`${key} is no integer from ${String(low)} to ${String(high)}`);
    return value;
  }

  /** `length` finite numbers, written as such. */
  numbers(key: string, length: number): Float64Array {
    const value = this.#saved[key];
    if (!Array.isArray(value) || value.length !== length || !value.every((item) => Number.isFinite(item)))
      throw this.wrong(`${key} is no list of ${String(length)} numbers`);
    return Float64Array.from(value as number[]);
  }

  bytes(key: string, length?: number): Uint8Array {
    return this.#unpack(key, 1, length);
  }

  integers(key: string, length?: number): Int32Array {
    return new Int32Array(this.#unpack(key, 4, length).buffer);
  }

  doubles(key: string, length?: number): Float64Array {
    return new Float64Array(this.#unpack(key, 8, length).buffer);
  }

  /** What is thrown for a model that cannot be used. */
  wrong(what: string): HushboxError {
    return new HushboxError("model-invalid", `loading a model of ${this.#attack}: ${what}`);
  }

  #unpack(key: string, width: number, length: number | undefined): Uint8Array<ArrayBuffer> {
    const text = this.#saved[key];
    if (typeof text !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
      throw this.wrong(`${key} is no base64`);
    // A copy: a Buffer may lie anywhere in a pool, where wider elements would not be aligned.
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    if (bytes.length % width !== 0) throw this.wrong(`${key} is cut off`);
    if (length !== undefined && bytes.length !== length * width)
      throw this.wrong(`${key} has ${String(bytes.length / width)} elements where ${String(length)} belong`);
    return bytes;
  }
}
