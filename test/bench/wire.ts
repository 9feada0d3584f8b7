// The hot parts of wire, packet and flow, nanoseconds a call: node build/test/bench/wire.js
import { FlowTable } from "../../src/flow/flow-table.js";
import { dissect } from "../../src/packet/dissect.js";
import { Pool } from "../../src/packet/pool.js";
import { noise } from "../../src/random/noise.js";
import { SecureRandom } from "../../src/random/secure-random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros } from "../../src/time/micros.js";
import { copy } from "../../src/wire/copy.js";
import { sum } from "../../src/wire/ones-complement.js";
import { ICMP, TCP } from "../../src/wire/protocol.js";
import { frame, hex, type Shape } from "../support/frame.js";

/** The median over runs of the time that one of `calls` calls takes, in ns. */
export function median(calls: number, body: (i: number) => void, runs = 9): number {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = process.hrtime.bigint();
    for (let i = 0; i < calls; i++) body(i);
    times.push(Number(process.hrtime.bigint() - start) / calls);
  }
  return times.sort((a, b) => a - b)[runs >> 1] ?? NaN;
}

export function report(what: string, ns: number): void {
  console.log(`${what.padEnd(44)}${ns.toFixed(1).padStart(8)} ns`);
}

const pool = new Pool(1024);
const shapes: Shape[] = [
  { protocol: TCP, options: hex("0101 080a 0000 0001 0000 0002"), payload: new Uint8Array(500) },
  {},
  { protocol: ICMP },
  { from: "2001:db8::1", to: "2001:db8::2", protocol: TCP },
  { from: "fe80::1", to: "fe80::2", extensions: [[0, hex("0000 0502 0000 0100")]] },
];
const packets = Array.from({ length: pool.capacity }, (_, i) => {
  const packet = pool.packet(i);
  const bytes = frame(shapes[i % shapes.length]);
  pool.bytes.set(bytes, packet.at);
  packet.length = packet.wireLength = bytes.length;
  return packet;
});

let kept = 0;
report(
  "dissect, five kinds of frame in turn",
  median(2_000_000, (i) => {
    const packet = packets[i & 1023];
    if (packet === undefined) return;
    dissect(packet, pool.view);
    kept += packet.destinationPort;
  }),
);
for (const n of [20, 64, 512, 1480]) {
  report(
    `ones' complement sum of ${String(n)} bytes`,
    median(500_000, (i) => {
      kept += sum(pool.view, ((i & 511) << 11) + 14, n);
    }),
  );
}
const other = new Uint8Array(pool.bytes.length);
for (const n of [60, 1400]) {
  report(
    `copy of ${String(n)} bytes`,
    median(500_000, (i) => {
      copy(pool.bytes, (i & 511) << 11, other, ((i * 7) & 511) << 11, n);
    }),
  );
}
for (const [what, from, to, flows] of [
  ["one flow", "192.0.2.1", "198.51.100.7", 1],
  ["1024 flows in turn, IPv4", "192.0.2.1", "198.51.100.7", 1024],
  ["1024 flows in turn, IPv6", "2001:db8::1", "2001:db8::2", 1024],
] as const) {
  const table = new FlowTable({ capacity: 4096, idle: micros(600e6) }, { random: new SeededRandom("bench") });
  for (const [i, packet] of packets.entries()) {
    const bytes = frame({ from, to, sourcePort: 1024 + (i % flows) });
    pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = bytes.length;
    dissect(packet, pool.view);
  }
  report(
    `flow look-up, ${what}`,
    median(1_000_000, (i) => {
      // A pool's slots share few cache lines: many of them in turn measure the memory too.
      const packet = packets[i & (flows === 1 ? 15 : 1023)];
      if (packet !== undefined) kept += table.lookup(packet, pool.view, micros(i));
    }),
  );
}
if (kept < 0) console.log(kept);

const secure = new SecureRandom();
report(
  "1400 random bytes, draw by draw",
  median(2e4, () => {
    for (let at = 0; at < 1400; at += 4) pool.view.setUint32(at, secure.word());
  }),
);
report(
  "1400 bytes of noise",
  median(2e4, () => {
    noise(pool.view, 0, 1400, secure);
  }),
);
