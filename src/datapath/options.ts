import type { CoverOptions } from "../defense/decoys/cover.js";
import type { BudgetOptions, DefenseOptions } from "../defense/options.js";

/** One device as the datapath needs it. */
export interface DeviceOptions {
  readonly name: string;
  /** `aa:bb:cc:dd:ee:ff`, lower case. */
  readonly mac: string;
  readonly defenses: DefenseOptions;
  readonly budget: BudgetOptions;
  /** Only for what goes through a tunnel. */
  readonly tunnel?: TunnelledOptions;
}

/** What is different for a device behind a tunnel: a box's tunnel with all of its devices, or one of the boxes of a gateway. */
export interface TunnelledOptions {
  /** Its addresses inside the tunnel, as CIDR prefixes; it is known by these instead of by `mac`, which then only names it. Null: by `mac`. */
  readonly networks: readonly string[] | null;
  readonly cover: CoverOptions;
  /** Which end of it this is. */
  readonly role: "box" | "gateway";
  /** Of carriers, between two hushboxes: IPv4 addresses, ours and the far end's. */
  readonly ends: { readonly source: string; readonly destination: string };
}

/** Everything that can change while packets flow. Survives structuredClone. */
export interface DatapathOptions {
  readonly devices: readonly DeviceOptions[];
  /** Destinations that count as the local network, as CIDR prefixes of both IP versions. Frames that are not IP are always local. */
  readonly local: readonly string[];
  /** True: local traffic is delayed like any other. */
  readonly delayLocal: boolean;
  /** Frames between two stations behind the inside card are ours too, where its bridge sends frames back there. */
  readonly isolate: boolean;
}

/** Which cards to open; fixed for the life of the daemon. Survives structuredClone. */
export interface CardOptions {
  readonly card: "ring" | "libpcap";
  /** Interface names. */
  readonly inside: string;
  readonly outside: string;
  /** Receive slots of each ring. */
  readonly slots: number;
  /** Microseconds before a deadline during which the loop spins instead of sleeping; 0 never spins. */
  readonly spin: number;
  /** Packets that may be held at once, both directions together. */
  readonly queue: number;
  /** SCHED_FIFO priority of the datapath's thread; 0 leaves the ordinary scheduler. `auto`: 1 with a tunnel, where this machine allows it. */
  readonly priority: number | "auto";
  /** libpcap only. `frame`: decoys are whole frames in the device's name; `ip`: the kernel routes them and writes its own Ethernet header, so without trailer. */
  readonly decoys: "frame" | "ip";
  /** The outside card is a tunnel, without link headers; `mac` is the kernel's end of the pair on the inside. Null: an ordinary card. */
  readonly tunnel?: { readonly mac: number } | null;
  /** Frames as this box sends and receives them are written to `<dir>/<side>.pcap`; empty: none. */
  readonly capture: string;
}
