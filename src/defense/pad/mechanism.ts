import type { FlowTable } from "../../flow/flow-table.js";
import type { TcpFlows } from "../../flow/tcp-flows.js";
import type { Packet } from "../../packet/packet.js";
import type { Pool } from "../../packet/pool.js";
import type { Random } from "../../random/random.js";
import type { Micros } from "../../time/micros.js";
import type { Verdict } from "../defense.js";
import type { MechanismName } from "../options.js";
import type { Tally } from "../tally.js";
import type { Destinations } from "./destinations.js";
import type { Paths } from "./paths.js";
import type { QuicFlows } from "./quic-flows.js";
import type { TcpMemory } from "./tcp-memory.js";
import type { Trust } from "./trust.js";

/** What a mechanism works with; shared by all devices and kept while the daemon runs. */
export interface MechanismModules {
  readonly pool: Pool;
  readonly flows: FlowTable;
  readonly tcp: TcpFlows;
  readonly quic: QuicFlows;
  readonly destinations: Destinations;
  /** Path MTUs by destination. */
  readonly paths: Paths;
  /** Which mechanisms a destination takes, and the watch over their use. */
  readonly trust: Trust;
  /** What padding TCP has to remember. */
  readonly memory: TcpMemory;
  readonly random: Random;
  readonly tally: Tally;
}

/** One way to add bytes to a packet without its endpoints noticing. One file each; `pad` asks them in order until the target is reached. */
export interface Mechanism {
  readonly name: MechanismName;
  /**
   * Called for each packet on its way up. Brings the frame toward `target` bytes (`wireLength + pad`), never beyond. Leaves a packet alone
   * that it does not understand. Bytes it cannot place stay for the next mechanism. `destination`: place in Destinations, or -1.
   */
  grow(packet: Packet, target: number, destination: number, now: Micros): void;
  /** Called for each packet on its way down: takes back what this mechanism caused, and nothing else. */
  clean?(packet: Packet, destination: number, now: Micros): Verdict;
}
