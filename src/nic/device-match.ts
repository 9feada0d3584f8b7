import { HushboxError } from "../errors/hushbox-error.js";
import * as arp from "../wire/arp.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";
import { CaptureReader } from "./capture-reader.js";

/** Tells in a capture the device's own frames from all others, by its MAC address or by one of its IP addresses. */
export class DeviceMatch {
  readonly #mac: number;
  readonly #four: number;
  readonly #six: DataView | null;

  constructor(address: string) {
    const six = ipv6.parse(address);
    this.#mac = ethernet.parseMac(address) ?? -1;
    this.#four = ipv4.parse(address) ?? -1;
    this.#six = six === null ? null : new DataView(six.buffer);
    if (this.#mac === -1 && this.#four === -1 && this.#six === null) {
      throw new HushboxError("usage", `"${address}" is neither a MAC address nor an IP address`);
    }
  }

  /** True where the device sent this frame. */
  sent(view: DataView, at: number, length: number): boolean {
    const end = at + length;
    if (!ethernet.fits(at, end)) return false;
    if (this.#mac !== -1) return ethernet.source(view, at) === this.#mac;
    let type = ethernet.type(view, at);
    let network = at + ethernet.HEADER;
    while (ethernet.isTag(type) && network + ethernet.TAG <= end) {
      type = view.getUint16(network + 2);
      network += ethernet.TAG;
    }
    if (this.#six !== null) {
      if (type !== ethernet.IPV6 || !ipv6.fits(view, network, end)) return false;
      return ipv6.equalAddress(view, network + ipv6.SOURCE, this.#six, 0);
    }
    if (type === ethernet.ARP) return arp.fits(view, network, end) && arp.senderAddress(view, network) === this.#four;
    if (type !== ethernet.IPV4 || network + ipv4.HEADER > end) return false;
    return ipv4.source(view, network) === this.#four;
  }
}

/** The MAC address of the device in a capture: the address itself where it is one, else the source of the first frame from that IP address; null where there is none. */
export function findMac(path: string, address: string): number | null {
  const mac = ethernet.parseMac(address);
  if (mac !== null) return mac;
  const match = new DeviceMatch(address);
  const reader = CaptureReader.open(path, { truncated: "end" });
  try {
    while (reader.next()) {
      if (match.sent(reader.view, reader.at, reader.length)) return ethernet.source(reader.view, reader.at);
    }
    return null;
  } finally {
    reader.close();
  }
}
