import type { Micros } from "../time/micros.js";
import { DESTINATION, type Observation } from "../trace/observation.js";
import { ICMP, ICMPV6, TCP, UDP } from "../wire/protocol.js";
import { AddressSet } from "./address-set.js";
import { FEATURES, type Features } from "./features.js";
import { PortSet } from "./port-set.js";
import { RunningMoments } from "./running-moments.js";

/**
 * Which TCP window the features are of. `raw`, the default, is what stands in the header: any observer has it, of any
 * connection. `scaled` needs the handshake, and a speaker keeps connections for days: of those it would mix scaled with raw.
 */
export type WindowField = "raw" | "scaled";

/** One window of traffic: packets go in one by one, the twelve features come out at any time. Memory is constant but for the two sets. */
export class FeatureWindow {
  packets = 0;
  /** Bytes of all frames. */
  bytes = 0;
  /** Times of the first and the last packet. */
  from = 0 as Micros;
  to = 0 as Micros;
  readonly #field: WindowField;
  readonly #addresses = new AddressSet();
  readonly #ports = new PortSet();
  readonly #lengths = new RunningMoments();
  readonly #gaps = new RunningMoments();
  readonly #windows = new RunningMoments();
  #tcp = 0;
  #udp = 0;
  #icmp = 0;
  #longestGap = 0;

  constructor(field: WindowField = "raw") {
    this.#field = field;
  }

  add(seen: Observation): void {
    if (this.packets === 0) this.from = seen.at;
    else {
      const gap = (seen.at - this.to) / 1e6;
      this.#gaps.add(gap);
      if (gap > this.#longestGap) this.#longestGap = gap;
    }
    this.to = seen.at;
    this.packets++;
    this.bytes += seen.length;
    this.#lengths.add(seen.length);
    if (seen.version === 0) return;
    this.#addresses.add(seen.addresses, 0);
    this.#addresses.add(seen.addresses, DESTINATION);
    const protocol = seen.protocol;
    if (protocol === TCP) this.#tcp++;
    else if (protocol === UDP) this.#udp++;
    else if (protocol === ICMP || protocol === ICMPV6) this.#icmp++;
    if (seen.hasPorts) {
      this.#ports.add(seen.sourcePort);
      this.#ports.add(seen.destinationPort);
    }
    if (seen.rawWindow >= 0) this.#windows.add(this.#field === "raw" ? seen.rawWindow : seen.scaledWindow);
  }

  /** The twelve, in the order of FEATURES, into `into` from `at`. */
  write(into: Float64Array, at = 0): void {
    into[at] = this.#addresses.size;
    into[at + 1] = this.#ports.size;
    into[at + 2] = this.#tcp;
    into[at + 3] = this.#udp;
    into[at + 4] = this.#icmp;
    into[at + 5] = this.#longestGap;
    into[at + 6] = this.#windows.mean;
    into[at + 7] = this.#windows.deviation;
    into[at + 8] = this.#gaps.mean;
    into[at + 9] = this.#gaps.deviation;
    into[at + 10] = this.#lengths.mean;
    into[at + 11] = this.#lengths.deviation;
  }

  /** The twelve with their names. */
  features(): Features {
    const values = new Float64Array(FEATURES.length);
    this.write(values);
    return Object.fromEntries(FEATURES.map((name, i) => [name, values[i] ?? 0])) as Features;
  }

  clear(): void {
    this.packets = 0;
    this.bytes = 0;
    this.#addresses.clear();
    this.#ports.clear();
    this.#lengths.clear();
    this.#gaps.clear();
    this.#windows.clear();
    this.#tcp = 0;
    this.#udp = 0;
    this.#icmp = 0;
    this.#longestGap = 0;
  }
}
