import { HushboxError } from "../errors/hushbox-error.js";
import * as ipv4 from "./ipv4.js";
import * as ipv6 from "./ipv6.js";

/** A network of either version: the address's bytes and how many of its bits count. */
export interface Prefix {
  readonly version: 4 | 6;
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Reads `192.168.0.0/16`, `fe80::/10`, or an address alone, which is a network of one; null where it is none. Host bits are ignored. */
export function parsePrefix(text: string): Prefix | null {
  const [address = "", bitsText, ...rest] = text.split("/");
  if (rest.length > 0 || (bitsText !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(bitsText))) return null;
  const four = ipv4.parse(address);
  if (four !== null) {
    const bits = bitsText === undefined ? 32 : Number(bitsText);
    const bytes = Uint8Array.of(four >>> 24, four >>> 16, four >>> 8, four);
    return bits > 32 ? null : { version: 4, bytes, bits };
  }
  const bytes = ipv6.parse(address);
  const bits = bitsText === undefined ? 128 : Number(bitsText);
  return bytes === null || bits > 128 ? null : { version: 6, bytes, bits };
}

/** The 32 bits of a mask that cover bits `from` to `from + 31` of an address. */
function mask(bits: number, from: number): number {
  const n = Math.min(Math.max(bits - from, 0), 32);
  return n === 0 ? 0 : -1 << (32 - n);
}

/** Asks whether an address lies in one of a few networks. Parsed once; a look-up allocates nothing and walks the list. */
export class Prefixes {
  /** Pairs of network and mask. */
  readonly #four: Int32Array;
  /** Four words of network and four of mask each. */
  readonly #six: Int32Array;

  constructor(cidrs: readonly string[]) {
    const four: number[] = [];
    const six: number[] = [];
    for (const cidr of cidrs) {
      const prefix = parsePrefix(cidr);
      if (prefix === null) {
        throw new HushboxError(
          "config-invalid",
          `reading a network: "${cidr}" is no CIDR prefix such as 192.168.0.0/16 or fe80::/10`,
        );
      }
      const view = new DataView(prefix.bytes.buffer);
      if (prefix.version === 4) {
        four.push(view.getInt32(0) & mask(prefix.bits, 0), mask(prefix.bits, 0));
      } else {
        const starts = [0, 32, 64, 96];
        const masks = starts.map((from) => mask(prefix.bits, from));
        six.push(...starts.map((from, i) => view.getInt32(from / 8) & (masks[i] ?? 0)), ...masks);
      }
    }
    this.#four = Int32Array.from(four);
    this.#six = Int32Array.from(six);
  }

  /** True where the IPv4 address, as a number, lies in one of the networks. */
  has4(address: number): boolean {
    const list = this.#four;
    for (let i = 0; i < list.length; i += 2) {
      if ((address & (list[i + 1] ?? 0)) === list[i]) return true;
    }
    return false;
  }

  /** True where the IPv6 address at `at` lies in one of the networks. */
  has6(view: DataView, at: number): boolean {
    const list = this.#six;
    for (let i = 0; i < list.length; i += 8) {
      if (
        (view.getInt32(at) & (list[i + 4] ?? 0)) === list[i] &&
        (view.getInt32(at + 4) & (list[i + 5] ?? 0)) === list[i + 1] &&
        (view.getInt32(at + 8) & (list[i + 6] ?? 0)) === list[i + 2] &&
        (view.getInt32(at + 12) & (list[i + 7] ?? 0)) === list[i + 3]
      ) {
        return true;
      }
    }
    return false;
  }
}
