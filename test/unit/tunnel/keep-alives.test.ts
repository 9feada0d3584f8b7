import { test } from "tap";
import { TcpFlows } from "../../../src/flow/tcp-flows.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DOWN, UP, type Direction, type Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { seconds } from "../../../src/time/micros.js";
import { KeepAlives } from "../../../src/tunnel/keep-alives.js";
import * as ethernet from "../../../src/wire/ethernet.js";
import * as tcp from "../../../src/wire/tcp.js";
import { readSegment, segment, stampOptions, type Read, type Segment } from "../../support/tcp-segment.js";

const FLOW = 3;
/** How long a silent server is answered for. */
const PATIENCE = seconds(28.5);

/** One connection of a device, as a box sees it. */
class Bench {
  readonly pool = new Pool(8);
  readonly tcp = new TcpFlows(8);
  readonly keepAlives = new KeepAlives(8, this);
  generation = 1;
  now = 0;

  down(shape: Omit<Segment, "up">): this {
    const packet = this.#packet(segment({ ...shape, up: false }), DOWN);
    this.tcp.see(packet, this.pool.view, this.generation);
    this.keepAlives.sawDown(packet, this.generation);
    this.pool.release(packet);
    return this;
  }

  /** After `after` more seconds; answers what the device is told at once. */
  up(shape: Omit<Segment, "up">, after = 0): Read | null {
    this.now += after;
    const packet = this.#packet(segment({ ...shape, up: true }), UP);
    this.tcp.see(packet, this.pool.view, this.generation);
    const answer = this.keepAlives.sawUp(packet, this.generation, PATIENCE, seconds(this.now));
    this.pool.release(packet);
    if (answer === null) return null;
    const frame = this.pool.bytes.slice(answer.at, answer.at + answer.length);
    this.pool.release(answer);
    const view = new DataView(frame.buffer);
    if (ethernet.source(view, 0) !== 0x020000000002 || ethernet.destination(view, 0) !== 0x020000000001)
      throw new Error("the frame does not go back");
    return readSegment(frame);
  }

  /** A connection on which 100 bytes went up and 50 came down, all acknowledged; what more its segments have. */
  talk(more: Partial<Segment> = {}): this {
    this.up({ ...more, sequence: 1000, flags: tcp.SYN });
    this.down({ ...more, sequence: 5000, acknowledgment: 1001, flags: tcp.SYN | tcp.ACK, window: 9999 });
    this.up({ ...more, sequence: 1001, acknowledgment: 5001 });
    this.up({ ...more, sequence: 1001, acknowledgment: 5001, payload: new Uint8Array(100) });
    this.down({ ...more, sequence: 5001, acknowledgment: 1101, payload: new Uint8Array(50), window: 700 });
    this.up({ ...more, sequence: 1101, acknowledgment: 5051 });
    return this;
  }

  #packet(frame: Uint8Array, direction: Direction): Packet {
    const packet = this.pool.take();
    if (packet === null) throw new Error("the pool is empty");
    this.pool.bytes.set(frame, packet.at);
    packet.length = packet.wireLength = frame.length;
    dissect(packet, this.pool.view);
    packet.flow = FLOW;
    packet.direction = direction;
    return packet;
  }
}

const ASKS = { sequence: 1100, acknowledgment: 5051 };
const ANSWER = { sequence: 5051, acknowledgment: 1101, flags: tcp.ACK, window: 700, valid: true };

test("a keep-alive is answered as the server would", (t) => {
  for (const six of [false, true]) {
    const bench = new Bench();
    bench.talk({ six });
    t.match(bench.up({ ...ASKS, six }), ANSWER);
    t.match(bench.up({ ...ASKS, six, payload: Uint8Array.of(0) }), ANSWER, "one byte of garbage (RFC 1122, 4.2.3.6)");
    t.equal(bench.pool.available, bench.pool.capacity);
  }
  t.end();
});

test("with timestamps where the connection has them, the server's last and the device's", (t) => {
  const bench = new Bench();
  bench.talk({ options: stampOptions(77, 66) });
  const frame = segment({ up: false, ...ANSWER, options: stampOptions(77, 88) });
  t.match(bench.up({ ...ASKS, options: stampOptions(88, 77) }), { ...ANSWER, length: frame.length });
  t.equal(bench.up(ASKS), null, "one without them is none of this connection");
  t.end();
});

test("what says more than that is not answered", (t) => {
  const table: readonly (readonly [string, (bench: Bench) => unknown, Partial<Segment>])[] = [
    ["nothing seen", () => undefined, {}],
    ["an acknowledgment", (bench) => bench.talk(), { sequence: 1101 }],
    ["data again", (bench) => bench.talk(), { sequence: 1001, payload: new Uint8Array(100) }],
    ["the device lacks something", (bench) => bench.talk(), { acknowledgment: 5050 }],
    [
      "data not acknowledged",
      (bench) => (bench.talk(), bench.up({ sequence: 1101, payload: new Uint8Array(9) })),
      { sequence: 1109 },
    ],
    [
      "a window that is shut",
      (bench) => (bench.talk(), bench.down({ sequence: 5051, acknowledgment: 1101, window: 0 })),
      {},
    ],
    [
      "the server ends",
      (bench) => (bench.talk(), bench.down({ sequence: 5051, acknowledgment: 1101, flags: tcp.FIN | tcp.ACK })),
      {},
    ],
    ["the server breaks off", (bench) => (bench.talk(), bench.down({ sequence: 5051, flags: tcp.RST })), {}],
    [
      "the device ends",
      (bench) => (bench.talk(), bench.up({ sequence: 1101, acknowledgment: 5051, flags: tcp.FIN | tcp.ACK })),
      {},
    ],
    ["another flow in its place", (bench) => (bench.talk(), bench.generation++), {}],
    ["no memory to spare", (bench) => (bench.talk(), Array.from({ length: 5 }, () => bench.pool.take())), {}],
  ];
  for (const [what, prepare, more] of table) {
    const bench = new Bench();
    prepare(bench);
    t.equal(bench.up({ ...ASKS, ...more }), null, what);
  }
  t.end();
});

test("a server that is silent is hidden for a bounded time, from its first silence on", (t) => {
  const bench = new Bench();
  bench.talk();
  const asked = Array.from({ length: 40 }, () => bench.up(ASKS, 1) !== null);
  t.equal(asked.lastIndexOf(true), 28, "29 answers, then the device finds out");
  t.equal(asked.filter(Boolean).length, 29);
  bench.down({ sequence: 5051, acknowledgment: 1101, window: 700 });
  t.match(bench.up(ASKS, 1), ANSWER, "it is there after all");
  t.end();
});

test("one whose beginning was not seen is known once both have spoken", (t) => {
  const bench = new Bench();
  t.equal(bench.up(ASKS), null);
  t.equal(bench.up(ASKS), null, "all that is known is a keep-alive");
  bench.down({ sequence: 5051, acknowledgment: 1101, window: 700 });
  t.match(bench.up(ASKS), ANSWER, "its answer says what lies behind it");
  bench.up({ sequence: 1101, acknowledgment: 5051, payload: new Uint8Array(9) });
  bench.down({ sequence: 5051, acknowledgment: 1110, window: 700 });
  t.match(bench.up({ ...ASKS, sequence: 1109 }), { ...ANSWER, acknowledgment: 1110 });
  t.end();
});
