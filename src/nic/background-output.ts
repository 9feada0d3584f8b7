import { closeSync, write } from "node:fs";
import type { HushboxError } from "../errors/hushbox-error.js";
import { create, newBlock, outputFailure, type Output } from "./output.js";

/** Blocks that may wait for the disk before who fills them has to. */
const WAITING = 8;

/** A file that is written while its owner goes on: the owner asks `room` now and then, and `drained` at the end. */
export class BackgroundOutput implements Output {
  readonly path: string;
  readonly #waiting: { readonly block: Uint8Array<ArrayBuffer>; readonly length: number }[] = [];
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  #fd: number;
  #writing = false;
  #closed = false;
  #failure: HushboxError | null = null;
  #wake: (() => void) | null = null;

  constructor(path: string) {
    this.path = path;
    this.#fd = create(path);
  }

  write(block: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
    if (this.#failure !== null) throw this.#failure;
    this.#waiting.push({ block, length });
    this.#next();
    return this.#free.pop() ?? newBlock();
  }

  /** Whether the owner had better wait for `room`. */
  get full(): boolean {
    return this.#waiting.length >= WAITING;
  }

  /** Resolves when half of what may wait has been written. Rejects with what the disk said. */
  room(): Promise<void> {
    return this.#until(WAITING / 2);
  }

  /** Resolves when everything has been written. Rejects with what the disk said. */
  drained(): Promise<void> {
    return this.#until(0);
  }

  get #unwritten(): number {
    return this.#waiting.length + (this.#writing ? 1 : 0);
  }

  async #until(left: number): Promise<void> {
    while (this.#failure === null && this.#unwritten > left) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** What has not been written by now is not wanted. */
  close(): void {
    this.#waiting.length = 0;
    this.#closed = true;
    if (this.#writing || this.#fd === -1) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }

  #next(): void {
    if (this.#writing) return;
    const head = this.#waiting.shift();
    if (head === undefined) return;
    this.#writing = true;
    this.#write(head.block, 0, head.length);
  }

  #write(block: Uint8Array<ArrayBuffer>, from: number, to: number): void {
    write(this.#fd, block, from, to - from, null, (cause, written) => {
      if (cause === null && from + written < to) {
        this.#write(block, from + written, to);
        return;
      }
      this.#writing = false;
      if (this.#closed) {
        this.close();
      } else if (cause === null) {
        this.#free.push(block);
        this.#next();
      } else {
        this.#failure = outputFailure("writing", this.path, cause);
      }
      this.#wake?.();
    });
  }
}
