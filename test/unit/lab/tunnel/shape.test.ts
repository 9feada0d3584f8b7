// `hushbox shape --preset tunnel|paired` on a capture of the emulated speaker: what an observer between box and peer has recorded.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { DEFAULT_MIXTURE, makePlan } from "../../../../src/emulator/make-plan.js";
import { synthesise } from "../../../../src/emulator/synthesis.js";
import { TOPOLOGY } from "../../../../src/emulator/topology.js";
import { shape, type ShapeOptions } from "../../../../src/lab/shape.js";
import type { TunnelReport } from "../../../../src/lab/tunnel/tunnel-report.js";
import { CaptureReader } from "../../../../src/nic/capture-reader.js";
import { PcapWriter } from "../../../../src/nic/pcap-writer.js";
import { dissect } from "../../../../src/packet/dissect.js";
import { Pool } from "../../../../src/packet/pool.js";
import { seconds } from "../../../../src/time/micros.js";
import * as ipv4 from "../../../../src/wire/ipv4.js";
import { UDP } from "../../../../src/wire/protocol.js";

const { mac } = TOPOLOGY.speaker;
const START = 1_750_000_000e6;
const SLOT = 16_500;
const DATA = 1494;

const folder = mkdtempSync(join(tmpdir(), "hushbox-tunnel-"));
process.on("exit", () => {
  rmSync(folder, { recursive: true, force: true });
});
const input = join(folder, "in.pcap");
const writer = new PcapWriter(input);
const plan = makePlan({ seed: "tunnel", duration: seconds(60), mixture: DEFAULT_MIXTURE, scale: 1 });
for (const { at, frame } of synthesise(plan, START)) writer.write(START + at, frame, 0, frame.length);
writer.close();

interface Seen {
  readonly at: number;
  readonly up: boolean;
  readonly length: number;
  readonly flow: string;
  readonly type: number;
}

function read(path: string): Seen[] {
  const reader = CaptureReader.open(path);
  const pool = new Pool(1);
  const packet = pool.packet(0);
  const seen: Seen[] = [];
  while (reader.next()) {
    packet.length = reader.copy(pool.bytes, 0, 2048);
    packet.wireLength = reader.originalLength;
    dissect(packet, pool.view);
    const { view } = pool;
    const up = packet.destinationPort === 51_820;
    const ends = [ipv4.source(view, 14), packet.sourcePort, ipv4.destination(view, 14), packet.destinationPort];
    const flow = [packet.protocol, ...(up ? ends : [...ends.slice(2), ...ends.slice(0, 2)])].join(" ");
    seen.push({ at: reader.time, up, length: packet.wireLength, flow, type: view.getUint8(packet.payload) });
  }
  reader.close();
  return seen;
}

async function shaped(name: string, options: Partial<ShapeOptions>) {
  const output = join(folder, name);
  const report = await shape({ input, output, preset: "paired", seed: "1", device: mac, observer: "wan", ...options });
  const { tunnel } = report;
  if (tunnel === null) throw new Error("no tunnel");
  return { output, report, tunnel, seen: read(output) };
}

function carriesAll({ real, slots, empty }: TunnelReport): boolean {
  return (
    real.in.up > 500 &&
    real.in.down > 500 &&
    real.in.up === real.out.up &&
    real.in.down === real.out.down &&
    real.dropped.up + real.dropped.down === 0 &&
    empty.up < slots.up
  );
}

test("paired: one UDP flow, one size both ways but for handshakes, all packets carried, none unexplained", async (t) => {
  const { report, tunnel, seen } = await shaped("paired.pcap", {});
  t.ok(carriesAll(tunnel), JSON.stringify(tunnel.real));
  t.equal(new Set(seen.map(({ flow }) => flow)).size, 1);
  t.ok(seen[0]?.flow.startsWith(`${UDP} `));
  const data = seen.filter(({ type }) => type === 4);
  t.same([...new Set(data.map(({ length }) => length))], [DATA]);
  const others = seen.filter(({ type }) => type !== 4);
  t.same(
    others.map(({ type, up, length }) => `${type} ${up ? "up" : "down"} ${length}`).sort(),
    ["1 up 190", "2 down 134"].flatMap((one) => Array.from({ length: tunnel.handshakes }, () => one)),
  );
  t.equal(data.filter(({ up }) => up).length, tunnel.slots.up);
  t.equal(data.filter(({ up }) => !up).length, tunnel.slots.down);
  t.match(report.out, { up: { packets: tunnel.slots.up + tunnel.handshakes } });
  const { demand, decoy, following } = tunnel.episodes;
  t.equal(
    tunnel.leak.plans.reduce((sum, n) => sum + n, 0),
    demand + decoy + following,
  );
  t.equal(tunnel.leak.starts.length, demand + decoy);
  t.equal(
    tunnel.slots.up - tunnel.heartbeats,
    tunnel.leak.plans.reduce((sum, n) => sum + slotsOf(n), 0),
  );
  t.ok(seen.every(({ at }, i) => at >= (seen[i - 1]?.at ?? 0)));
  t.end();
});

/** Slots of so many plans behind one another. */
function slotsOf(plans: number): number {
  return Array.from({ length: plans }, (_, plan) => 242 * 2 ** Math.min(plan, 3)).reduce((a, b) => a + b, 0);
}

test("paired, always: nothing but slots, from the first packet to the last", async (t) => {
  const { tunnel, seen } = await shaped("always.pcap", { defenses: { episode: { always: true } } });
  t.ok(carriesAll(tunnel));
  for (const up of [true, false]) {
    const at = seen.filter((one) => one.up === up && one.type === 4).map((one) => one.at);
    t.ok(at.slice(1).every((time, i) => Math.abs(time - (at[i] ?? 0) - SLOT) <= 1));
  }
  t.match(tunnel.leak, { bits: 0, bits_an_episode: 0 });
  t.end();
});

test("tunnel: constant on the way up, what comes down as it comes, rounded up to 16", async (t) => {
  const { tunnel, seen } = await shaped("tunnel.pcap", { preset: "tunnel" });
  t.ok(carriesAll(tunnel), JSON.stringify(tunnel.real));
  const data = seen.filter(({ type }) => type === 4);
  t.same([...new Set(data.filter(({ up }) => up).map(({ length }) => length))], [DATA]);
  const down = new Set(data.filter(({ up }) => !up).map(({ length }) => length));
  t.ok(down.size > 5);
  t.same(
    [...down].filter((length) => length !== DATA && (length - 74) % 16 !== 0),
    [],
  );
  t.end();
});

test("the same seed gives the same bytes, another one other starts of decoys", async (t) => {
  const digest = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
  const one = await shaped("one.pcap", { seed: "a" });
  const same = await shaped("same.pcap", { seed: "a" });
  const other = await shaped("other.pcap", { seed: "b" });
  t.equal(digest(one.output), digest(same.output));
  t.not(digest(one.output), digest(other.output));
  t.end();
});

test("what is set beside the preset is checked as a configuration is", async (t) => {
  const bad = (defenses: object) => shaped("bad.pcap", { defenses });
  await t.rejects(bad({ episode: { plans: 9 } }), { code: "usage", message: /episode\/plans.*8/ });
  await t.rejects(bad({ episode: { plams: 2 } }), { code: "usage", message: /plams.*unknown key/ });
});
