import { Counters } from "../datapath/counters.js";
import { Datapath } from "../datapath/datapath.js";
import type { DatapathOptions } from "../datapath/options.js";
import { nicCounters, type Cards, type Nic } from "../nic/nic.js";
import { DOWN, UP, type Direction, type Packet } from "../packet/packet.js";
import { PRESETS } from "../defense/presets.js";
import { Pool } from "../packet/pool.js";
import type { Random } from "../random/random.js";
import { micros, millis, type Micros } from "../time/micros.js";
import * as checksum from "../wire/checksum.js";
import * as ethernet from "../wire/ethernet.js";
import * as ipv4 from "../wire/ipv4.js";
import { writeIpv4Header } from "../wire/ipv4-header.js";
import { TCP, UDP } from "../wire/protocol.js";
import * as tcp from "../wire/tcp.js";
import * as udp from "../wire/udp.js";

/** Enough for V8 to compile and optimize the loop: the first packets of a cold one took 5 to 20 ms (test/e2e, added delay of the first pings). */
const TURNS = 3000;
/** Milliseconds. They take 0.3 s on a fast processor; a slow one shall not keep devices waiting for long. */
const LIMIT = 1500;
const BATCH = 8;
const DEVICE = 0x02_00_00_00_00_01;
const ROUTER = 0x02_00_00_00_00_02;
/** 192.168.1.5 and 198.51.100.7. */
const HOST = 0xc0a80105;
const SERVER = 0xc6336407;

/** A card that invents frames. What it is given it frees. */
class Rehearsal implements Nic {
  readonly name = "rehearsal";
  readonly mtu = 1500;
  readonly longest = 2048;
  readonly up = true;
  readonly room = 1024;
  readonly counters = nicCounters();
  now = micros(0);
  left = 0;
  readonly #pool: Pool;
  readonly #direction: Direction;

  constructor(pool: Pool, direction: Direction) {
    this.#pool = pool;
    this.#direction = direction;
  }

  receive(): Packet | null {
    if (this.left === 0) return null;
    const packet = this.#pool.take();
    if (packet === null) return null;
    write(packet, this.#pool.view, this.#direction, this.left-- % 2 === 0 ? TCP : UDP);
    packet.arrivedAt = this.now;
    return packet;
  }

  send(packet: Packet): void {
    this.#pool.release(packet);
  }

  close(): void {
    this.left = 0;
  }
}

function write(packet: Packet, view: DataView, direction: Direction, protocol: number): void {
  const { at } = packet;
  const up = direction === UP;
  const transport = at + ethernet.HEADER + ipv4.HEADER;
  const end = transport + 100;
  ethernet.setDestination(view, at, up ? ROUTER : DEVICE);
  ethernet.setSource(view, at, up ? DEVICE : ROUTER);
  ethernet.setType(view, at, ethernet.IPV4);
  const network = at + ethernet.HEADER;
  const [source, destination] = up ? [HOST, SERVER] : [SERVER, HOST];
  writeIpv4Header(view, network, end - network, protocol, 64, source, destination);
  udp.setSourcePort(view, transport, up ? 40_000 : 443);
  udp.setDestinationPort(view, transport, up ? 443 : 40_000);
  if (protocol === TCP) tcp.setHeaderLength(view, transport, tcp.HEADER);
  else udp.setLength(view, transport, end - transport);
  checksum.completeChecksum(view, 4, network, protocol, transport, end);
  packet.length = packet.wireLength = end - at;
}

/** Runs a datapath of its own over invented packets, with every defense on, so that the first real packet meets compiled code. */
export function warmUp(random: Random): void {
  rehearse(random, inline());
}

/** The same for a tunnel's way: slots that packets share. */
export function warmUpTunnel(random: Random): void {
  rehearse(random, tunnelled());
}

function rehearse(random: Random, options: DatapathOptions): void {
  const pool = new Pool(1024);
  const inside = new Rehearsal(pool, UP);
  const outside = new Rehearsal(pool, DOWN);
  const cards: Cards = { inside, outside, turn: (until) => until, close: () => undefined };
  const modules = { pool, cards, random, counters: new Counters(), tap: null, queue: 512 };
  const datapath = new Datapath(options, null, modules, micros(0));
  const end = performance.now() + LIMIT;
  for (let turn = 1, now = 0; turn <= TURNS && performance.now() < end; turn++) {
    now += turn % 16 === 0 ? 40_000 : 500 * (turn % 5);
    for (const nic of [inside, outside]) {
      nic.now = now as Micros;
      nic.left = BATCH;
    }
    datapath.poll(now as Micros);
  }
}

function inline(): DatapathOptions {
  const window = millis(50);
  const { defenses } = PRESETS.standalone;
  return {
    devices: [
      {
        name: "rehearsal",
        mac: ethernet.formatMac(DEVICE),
        defenses: {
          ...defenses,
          jitter: { ...defenses.jitter, enabled: true, window, maxDelay: millis(5) },
          decoy: { ...defenses.decoy, window, kinds: ["tcp", "udp", "icmp"] },
        },
        budget: { packetsPerSecond: 1000, bytesPerSecond: 1e7, share: 1, perMonth: 1e9 },
      },
    ],
    local: ["192.168.0.0/16"],
    delayLocal: false,
    isolate: false,
  };
}

function tunnelled(): DatapathOptions {
  const { defenses, budget } = PRESETS.paired;
  const episode = { ...defenses.episode, always: true, up: millis(1), down: millis(1) };
  return {
    devices: [
      {
        name: "rehearsal",
        mac: ethernet.formatMac(DEVICE),
        defenses: { ...defenses, episode },
        budget,
        tunnel: {
          networks: null,
          cover: { source: "192.0.2.1", destination: "192.0.2.2" },
          role: "box",
          ends: { source: "192.0.2.3", destination: "192.0.2.4" },
        },
      },
    ],
    local: [],
    delayLocal: true,
    isolate: false,
  };
}
