import { closeSync, openSync, readSync } from "node:fs";
import { HushboxError } from "../errors/hushbox-error.js";
import { dissect } from "../packet/dissect.js";
import { SLOT_BYTES, type Packet } from "../packet/packet.js";
import { Pool } from "../packet/pool.js";
import { micros, type Micros } from "../time/micros.js";
import * as pcap from "../wire/pcap.js";

const CHUNK = 1 << 20;

/** Takes in what a capture has grown by. */
export type TailSink = (packet: Packet, view: DataView, at: Micros) => void;

/** Reads a pcap file while tcpdump writes it: each call goes on where the last whole record ended. */
export class CaptureTail {
  readonly #path: string;
  readonly #fd: number;
  readonly #pool = new Pool(1);
  readonly #bytes = new Uint8Array(2 * CHUNK);
  readonly #view = new DataView(this.#bytes.buffer);
  /** Bytes in the buffer that no record has been made of yet. */
  #held = 0;
  #offset = 0;
  /** Fractions of a second in a microsecond; 0 until the file header was read. */
  #perMicro = 0;

  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, "r");
  }

  /** Hands every whole new record to `sink`, dissected. The packet is used again for the next. */
  poll(sink: TailSink): void {
    for (;;) {
      const read = readSync(this.#fd, this.#bytes, this.#held, CHUNK, this.#offset);
      if (read === 0) return;
      this.#offset += read;
      const end = this.#held + read;
      const done = this.#records(end, sink);
      this.#bytes.copyWithin(0, done, end);
      this.#held = end - done;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Answers where the first record starts that is not whole. */
  #records(end: number, sink: TailSink): number {
    const view = this.#view;
    let at = 0;
    if (this.#perMicro === 0) {
      if (end < pcap.FILE_HEADER) return 0;
      this.#perMicro = pcap.magic(view, 0, true) === pcap.MAGIC_NANOS ? 1e3 : 1;
      at = pcap.FILE_HEADER;
    }
    const packet = this.#pool.packet(0);
    while (at + pcap.RECORD_HEADER <= end) {
      const length = pcap.recordLength(view, at, true);
      if (length > pcap.LARGEST_RECORD)
        throw new HushboxError("capture-invalid", `following ${this.#path}: it is damaged`);
      const frame = at + pcap.RECORD_HEADER;
      if (frame + length > end) break;
      packet.length = Math.min(length, SLOT_BYTES);
      packet.wireLength = pcap.recordOriginalLength(view, at, true);
      this.#pool.bytes.set(this.#bytes.subarray(frame, frame + packet.length), packet.at);
      dissect(packet, this.#pool.view);
      const fraction = pcap.recordFraction(view, at, true) / this.#perMicro;
      sink(packet, this.#pool.view, micros(pcap.recordSeconds(view, at, true) * 1e6 + fraction));
      at = frame + length;
    }
    return at;
  }
}
