import * as pcap from "../wire/pcap.js";
import * as pcapng from "../wire/pcapng.js";
import {
  damaged,
  FINISHED,
  RECORD,
  TRUNCATED,
  unsupported,
  type CaptureFormat,
  type CaptureRecord,
  type Step,
} from "./capture-record.js";
import type { FileWindow } from "./file-window.js";

interface Interface {
  readonly name: string;
  readonly linkType: number;
  /** 0: no limit. */
  readonly snapLength: number;
  readonly ticksPerSecond: number;
  readonly offsetMicros: number;
  readonly checkSequence: number;
}

/** A pcapng file: any number of sections of either byte order, each with its interfaces. The window stands at a section header. */
export class PcapngFormat implements CaptureFormat {
  readonly #window: FileWindow;
  readonly #record: CaptureRecord;
  #little = false;
  #section = 0;
  #interfaces: Interface[] = [];
  /** Bytes of the present block that have not been passed yet, the length at its end included. */
  #left = 0;
  /** The length that must stand at the present block's end. */
  #length = 0;

  constructor(window: FileWindow, record: CaptureRecord) {
    this.#window = window;
    this.#record = record;
  }

  next(): Step {
    const window = this.#window;
    for (;;) {
      if (this.#left > 0 && !this.#leaveBlock()) return TRUNCATED;
      this.#record.offset = window.offset;
      if (!window.need(pcapng.SMALLEST_BLOCK)) return window.available === 0 ? FINISHED : TRUNCATED;
      const type = pcapng.blockType(window.view, window.at, this.#little);
      if (type === pcapng.SECTION_HEADER) this.#enterSection();
      const length = pcapng.blockLength(window.view, window.at, this.#little);
      if (length < pcapng.SMALLEST_BLOCK || length > pcapng.LARGEST_BLOCK) {
        throw damaged(window, this.#record, `a block of ${String(length)} bytes cannot be: the file is damaged here`);
      }
      this.#length = length;
      this.#left = (length + 3) & ~3;
      if (type === pcapng.INTERFACE_DESCRIPTION) {
        if (!this.#addInterface()) return TRUNCATED;
      } else if (type === pcapng.ENHANCED_PACKET || type === pcapng.PACKET) {
        return this.#packet(type);
      } else if (type === pcapng.SIMPLE_PACKET) {
        return this.#simplePacket();
      }
    }
  }

  /** Passes what is left of the present block; false where the file ends before. */
  #leaveBlock(): boolean {
    const window = this.#window;
    if (!window.skip(this.#left - 4) || !window.need(4)) return false;
    const again = window.view.getUint32(window.at, this.#little);
    if (again !== this.#length) {
      const lengths = `${String(this.#length)} at its start and ${String(again)} at its end`;
      throw damaged(window, this.#record, `a block says its length is ${lengths}: the file is damaged here`);
    }
    window.at += 4;
    this.#left = 0;
    return true;
  }

  #enterSection(): void {
    const { view, at } = this.#window;
    if (view.getUint32(at + 8, true) === pcapng.BYTE_ORDER_MAGIC) this.#little = true;
    else if (view.getUint32(at + 8) === pcapng.BYTE_ORDER_MAGIC) this.#little = false;
    else throw damaged(this.#window, this.#record, "a section header has no byte-order magic");
    this.#section++;
    this.#interfaces = [];
  }

  #addInterface(): boolean {
    const window = this.#window;
    const length = this.#left;
    if (length < pcapng.INTERFACE_HEADER + 4 || length > window.bytes.length) {
      throw damaged(window, this.#record, `an interface description of ${String(length)} bytes cannot be`);
    }
    if (!window.need(length)) return false;
    const { view, at } = window;
    const little = this.#little;
    const end = at + length - 4;
    const find = (code: number): number => pcapng.option(view, at + pcapng.INTERFACE_HEADER, end, little, code);
    const name = find(pcapng.OPTION_INTERFACE_NAME);
    const resolution = find(pcapng.OPTION_TIME_RESOLUTION);
    const offset = find(pcapng.OPTION_TIME_OFFSET);
    const check = find(pcapng.OPTION_CHECK_SEQUENCE);
    const text =
      name === -1
        ? ""
        : new TextDecoder().decode(window.bytes.slice(name + 4, name + 4 + view.getUint16(name + 2, little)));
    this.#interfaces.push({
      name: text.replace(/\0+$/, "").replace(/[^ -~]/g, "?"),
      linkType: view.getUint16(at + 8, little),
      snapLength: view.getUint32(at + 12, little),
      ticksPerSecond: resolution === -1 ? 1e6 : pcapng.ticksPerSecond(view.getUint8(resolution + 4)),
      offsetMicros: offset === -1 ? 0 : Number(view.getBigInt64(offset + 4, little)) * 1e6,
      checkSequence: check === -1 ? 0 : view.getUint8(check + 4),
    });
    return true;
  }

  /** An enhanced packet block, or the obsolete packet block, which has 16 bits for the interface and 16 for drops. */
  #packet(type: number): Step {
    const window = this.#window;
    if (!window.need(Math.min(pcapng.PACKET_HEADER, this.#left))) return TRUNCATED;
    if (this.#left < pcapng.PACKET_HEADER + 4) throw this.#short();
    const little = this.#little;
    const id =
      type === pcapng.PACKET
        ? window.view.getUint16(window.at + 8, little)
        : window.view.getUint32(window.at + 8, little);
    const card = this.#interface(id);
    const high = window.view.getUint32(window.at + 12, little);
    const low = window.view.getUint32(window.at + 16, little);
    const length = window.view.getUint32(window.at + 20, little);
    const original = window.view.getUint32(window.at + 24, little);
    this.#record.time = pcapng.micros(high, low, card.ticksPerSecond) + card.offsetMicros;
    return this.#frame(card, pcapng.PACKET_HEADER, length, original);
  }

  /** A simple packet block belongs to the first interface and has no time: that of the packet before it is kept. */
  #simplePacket(): Step {
    const window = this.#window;
    if (this.#left < pcapng.SIMPLE_PACKET_HEADER + 4) throw this.#short();
    const card = this.#interface(0);
    const original = window.view.getUint32(window.at + 8, this.#little);
    const room = this.#left - pcapng.SIMPLE_PACKET_HEADER - 4;
    const limit = card.snapLength === 0 ? room : Math.min(card.snapLength, room);
    // Where the frame's own length says more than the block holds, the block is right.
    return this.#frame(card, pcapng.SIMPLE_PACKET_HEADER, Math.min(original, limit), original);
  }

  #frame(card: Interface, header: number, length: number, original: number): Step {
    const window = this.#window;
    const record = this.#record;
    if (length > pcap.LARGEST_RECORD || header + length + 4 > this.#left) {
      throw damaged(
        window,
        record,
        `${String(length)} bytes of packet do not fit their block: the file is damaged here`,
      );
    }
    if (!window.need(header + length)) return TRUNCATED;
    record.number++;
    record.linkType = card.linkType;
    record.setLengths(length, original, card.checkSequence);
    record.at = window.at + header;
    window.at += header + length;
    this.#left -= header + length;
    return RECORD;
  }

  #interface(id: number): Interface {
    const card = this.#interfaces[id];
    const where = `interface ${String(id)} of section ${String(this.#section)}`;
    if (card === undefined) throw damaged(this.#window, this.#record, `${where} was not described`);
    if (card.linkType !== pcap.ETHERNET) {
      throw unsupported(this.#window.path, card.name === "" ? where : `${where} (${card.name})`, card.linkType);
    }
    return card;
  }

  #short(): Error {
    return damaged(this.#window, this.#record, `a packet block of ${String(this.#length)} bytes is too short`);
  }
}
