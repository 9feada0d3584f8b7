import { isIPv4 } from "node:net";

/** An IPv4 network. */
export class Subnet {
  readonly address: number;
  readonly bits: number;

  private constructor(address: number, bits: number) {
    this.address = address;
    this.bits = bits;
  }

  /** `192.168.77.0/24`, or an address alone (`/32`); null where it is neither. Bits behind the prefix are cleared. */
  static parse(text: string): Subnet | null {
    const [host = "", bits = "32", ...more] = text.split("/");
    if (!isIPv4(host) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || more.length > 0) return null;
    const address = host.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
    const size = 2 ** (32 - Number(bits));
    return new Subnet(Math.floor(address / size) * size, Number(bits));
  }

  get size(): number {
    return 2 ** (32 - this.bits);
  }

  /** The n-th address, from the front; negative: from the back. */
  host(n: number): string {
    const value = n < 0 ? this.address + this.size + n : this.address + n;
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  }

  get netmask(): string {
    const value = 2 ** 32 - this.size;
    return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
  }

  overlaps(other: Subnet): boolean {
    return this.address < other.address + other.size && other.address < this.address + this.size;
  }

  toString(): string {
    return `${this.host(0)}/${this.bits}`;
  }
}
