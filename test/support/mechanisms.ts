import { Destinations } from "../../src/defense/pad/destinations.js";
import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { Paths } from "../../src/defense/pad/paths.js";
import { QuicFlows } from "../../src/defense/pad/quic-flows.js";
import { TcpMemory } from "../../src/defense/pad/tcp-memory.js";
import { Trust } from "../../src/defense/pad/trust.js";
import { Tally } from "../../src/defense/tally.js";
import { FlowTable } from "../../src/flow/flow-table.js";
import { TcpFlows } from "../../src/flow/tcp-flows.js";
import { Pool } from "../../src/packet/pool.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { seconds } from "../../src/time/micros.js";

/** What mechanisms work with, as the datapath makes it. */
export function mechanismModules(seed = "1", capacity = 64): MechanismModules {
  const random = new SeededRandom(seed);
  const destinations = new Destinations(capacity, { random });
  const paths = new Paths(destinations);
  const tally = Tally.alone();
  return {
    pool: new Pool(256),
    flows: new FlowTable({ capacity, idle: seconds(600) }, { random }),
    tcp: new TcpFlows(capacity),
    quic: new QuicFlows(capacity),
    destinations,
    paths,
    trust: new Trust({ destinations, paths, tally }),
    memory: new TcpMemory(capacity, { random, destinations }, capacity),
    random,
    tally,
  };
}
