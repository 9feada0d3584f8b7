import { closeSync, openSync, writeSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { copy } from "../wire/copy.js";
import * as pcap from "../wire/pcap.js";

const BYTES = 1 << 19;

/** Writes a pcap file: little-endian, nanoseconds. Buffered: what has been written is in the file after `flush` or `close`. */
export class PcapWriter {
  readonly path: string;
  /** Records written. */
  packets = 0;
  readonly #bytes = new Uint8Array(BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #at = pcap.FILE_HEADER;
  #fd: number;

  /** Creates the file, or empties it. */
  constructor(path: string) {
    this.path = path;
    try {
      this.#fd = openSync(path, "w", 0o600);
    } catch (cause) {
      throw failure("creating", path, cause);
    }
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
    if (this.#at + pcap.RECORD_HEADER + size > BYTES) this.flush();
    pcap.setRecordHeader(this.#view, this.#at, time, size, originalLength);
    const from = this.#at + pcap.RECORD_HEADER;
    copy(bytes, at, this.#bytes, from, length);
    if (pad > 0) this.#bytes.fill(0, from + length, from + size);
    this.#at = from + size;
    this.packets++;
  }

  /** Hands everything to the file. */
  flush(): void {
    try {
      for (let done = 0; done < this.#at;) done += writeSync(this.#fd, this.#bytes, done, this.#at - done);
    } catch (cause) {
      throw failure("writing", this.path, cause);
    }
    this.#at = 0;
  }

  /** Flushes and closes. Idempotent. */
  close(): void {
    if (this.#fd === -1) return;
    try {
      this.flush();
    } finally {
      closeSync(this.#fd);
      this.#fd = -1;
    }
  }
}

function failure(doing: string, path: string, cause: unknown): HushboxError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HushboxError("capture-invalid", `${doing} the capture ${path}: ${why}`, cause);
}
