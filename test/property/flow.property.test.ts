import fc from "fast-check";
import { test } from "tap";
import { FlowTable } from "../../src/flow/flow-table.js";
import { dissect } from "../../src/packet/dissect.js";
import { DOWN, Packet, UP, type Direction } from "../../src/packet/packet.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros } from "../../src/time/micros.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import { frame, over } from "../support/frame.js";

interface TwinFlow {
  readonly key: string;
  first: number;
  last: number;
  readonly packets: [number, number];
  readonly bytes: [number, number];
}

/** The table as one would write it first: a Map of strings, which keeps the order of insertion. */
class Twin {
  readonly flows = new Map<string, TwinFlow>();
  created = 0;
  expired = 0;
  evicted = 0;
  readonly #capacity: number;
  readonly #idle: number;

  constructor(capacity: number, idle: number) {
    this.#capacity = capacity;
    this.#idle = idle;
  }

  lookup(key: string, direction: Direction, length: number, now: number): void {
    this.expire(now, 8);
    let flow = this.flows.get(key);
    if (flow !== undefined && now - flow.last > this.#idle) {
      this.flows.delete(key);
      this.expired++;
      flow = undefined;
    }
    if (flow === undefined) {
      flow = { key, first: now, last: now, packets: [0, 0], bytes: [0, 0] };
      this.created++;
      const oldest = this.flows.keys().next();
      if (this.flows.size === this.#capacity && oldest.done !== true) {
        this.flows.delete(oldest.value);
        this.evicted++;
      }
    }
    this.flows.delete(key);
    this.flows.set(key, flow);
    flow.last = now;
    flow.packets[direction]++;
    flow.bytes[direction] += length;
  }

  expire(now: number, limit = Number.POSITIVE_INFINITY): void {
    for (const flow of [...this.flows.values()].slice(0, Math.min(limit, this.flows.size))) {
      if (now - flow.last <= this.#idle) return;
      this.flows.delete(flow.key);
      this.expired++;
    }
  }
}

const packet = fc.record({
  gap: fc.oneof({ weight: 20, arbitrary: fc.nat(20) }, { weight: 1, arbitrary: fc.nat(500) }),
  device: fc.nat(2),
  six: fc.boolean(),
  protocol: fc.constantFrom(TCP, UDP, ICMP),
  deviceHost: fc.integer({ min: 1, max: 2 }),
  remoteHost: fc.integer({ min: 1, max: 4 }),
  devicePort: fc.integer({ min: 1, max: 3 }),
  remotePort: fc.integer({ min: 1, max: 3 }),
  up: fc.boolean(),
  size: fc.nat(30),
});

test("the table does what a Map of strings does", async () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 400, size: "max" }),
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(50, 200, 1e9),
      fc.string(),
      (packets, capacity, idle, seed) => {
        const table = new FlowTable({ capacity, idle: micros(idle) }, { random: new SeededRandom(seed) });
        const twin = new Twin(capacity, idle);
        const indices = new Map<string, number>();
        let now = 0;
        for (const p of packets) {
          now += p.gap;
          const device = p.six ? `2001:db8::${String(p.deviceHost)}` : `192.0.2.${String(p.deviceHost)}`;
          const remote = p.six ? `2001:db8:1::${String(p.remoteHost)}` : `198.51.100.${String(p.remoteHost)}`;
          const protocol = p.six && p.protocol === ICMP ? ICMPV6 : p.protocol;
          const [from, to, sourcePort, destinationPort] = p.up
            ? [device, remote, p.devicePort, p.remotePort]
            : [remote, device, p.remotePort, p.devicePort];
          const bytes = frame({ from, to, sourcePort, destinationPort, protocol, payload: new Uint8Array(p.size) });
          const one = new Packet(0);
          one.length = one.wireLength = bytes.length;
          one.device = p.device;
          one.direction = p.up ? UP : DOWN;
          dissect(one, over(bytes));
          const ports =
            protocol === TCP || protocol === UDP ? `${String(p.devicePort)} ${String(p.remotePort)}` : "0 0";
          const key = `${String(p.device)} ${String(protocol)} ${device} ${remote} ${ports}`;
          const created = twin.created;
          const index = table.lookup(one, over(bytes), micros(now));
          twin.lookup(key, one.direction, bytes.length, now);
          // A flow keeps its index for as long as it lives.
          if (twin.created === created && indices.get(key) !== index) return false;
          indices.set(key, index);
          if (table.size !== twin.flows.size) return false;
        }
        const report = table.report(micros(now));
        twin.expire(now);
        const expected = [...twin.flows.values()].reverse();
        return (
          table.created === twin.created &&
          table.expired === twin.expired &&
          table.evicted === twin.evicted &&
          report.length === expected.length &&
          report.every((flow, i) => {
            const other = expected[i];
            const key = `${String(flow.device)} ${String(flow.protocol)} ${flow.deviceAddress} ${flow.remoteAddress} ${String(flow.devicePort)} ${String(flow.remotePort)}`;
            return (
              other !== undefined &&
              key === other.key &&
              flow.packetsUp === other.packets[UP] &&
              flow.packetsDown === other.packets[DOWN] &&
              flow.bytesUp === other.bytes[UP] &&
              flow.bytesDown === other.bytes[DOWN] &&
              flow.ageSeconds === (now - other.first) / 1e6 &&
              flow.idleSeconds === (now - other.last) / 1e6
            );
          })
        );
      },
    ),
    { numRuns: 300 },
  );
});
