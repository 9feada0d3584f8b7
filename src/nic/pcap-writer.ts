import { HushboxError } from "../errors/hushbox-error.js";
import { copy } from "../wire/copy.js";
import * as pcap from "../wire/pcap.js";
import { FileOutput, newBlock, type Output } from "./output.js";

/** Writes a pcap file: little-endian, nanoseconds. Buffered: what has been written is with the output after `flush` or `close`. */
export class PcapWriter {
  readonly path: string;
  /** Records written. */
  packets = 0;
  /** Blocks handed to the output. */
  blocks = 0;
  readonly #output: Output;
  #bytes = newBlock();
  #view = new DataView(this.#bytes.buffer);
  #at = pcap.FILE_HEADER;
  #closed = false;

  /** By default creates the file of that name, or empties it. Throws HushboxError: capture-invalid. */
  constructor(to: string | Output) {
    this.#output = typeof to === "string" ? new FileOutput(to) : to;
    this.path = this.#output.path;
    pcap.setFileHeader(this.#view, 0, pcap.ETHERNET);
  }

  /**
   * Appends a record: `length` bytes from `at` and `pad` zeros. `originalLength` is the frame's length on the wire where that is more
   * than `length + pad`: the frame was cut.
   */
  write(time: number, bytes: Uint8Array, at: number, length: number, pad = 0, originalLength = length + pad): void {
    const size = length + pad;
    if (size > pcap.LARGEST_RECORD)
      throw new HushboxError("internal", `a record of ${String(size)} bytes cannot be written`);
    if (this.#at + pcap.RECORD_HEADER + size > this.#bytes.length) this.flush();
    pcap.setRecordHeader(this.#view, this.#at, time, size, originalLength);
    const from = this.#at + pcap.RECORD_HEADER;
    copy(bytes, at, this.#bytes, from, length);
    if (pad > 0) this.#bytes.fill(0, from + length, from + size);
    this.#at = from + size;
    this.packets++;
  }

  /** Hands everything to the output. */
  flush(): void {
    const block = this.#output.write(this.#bytes, this.#at);
    this.#at = 0;
    this.blocks++;
    if (block === this.#bytes) return;
    this.#bytes = block;
    this.#view = new DataView(block.buffer);
  }

  /** Flushes and closes. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.flush();
    } finally {
      this.#output.close();
    }
  }
}
