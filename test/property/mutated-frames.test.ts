import { writeFileSync } from "node:fs";
import { join as path } from "node:path";
import { test, type Test } from "tap";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { FlowTable } from "../../src/flow/flow-table.js";
import { CaptureReader } from "../../src/nic/capture-reader.js";
import { DeviceMatch } from "../../src/nic/device-match.js";
import { dissect } from "../../src/packet/dissect.js";
import { Packet } from "../../src/packet/packet.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { micros } from "../../src/time/micros.js";
import * as checksum from "../../src/wire/checksum.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as ipv6 from "../../src/wire/ipv6.js";
import { ICMPV6, TCP, UDP } from "../../src/wire/protocol.js";
import * as tcp from "../../src/wire/tcp.js";
import { block, enhanced, halves, interfaceBlock, join, pcapFile, section, words } from "../support/capture.js";
import { frame, hex, over } from "../support/frame.js";
import { everyKind, Mutator, pick, type Ends } from "../support/mutator.js";
import { captures, missing } from "../support/shared-data.js";

const FRAMES = 1_000_000;
const SEED = process.env["HUSHBOX_SEED"] ?? "mutated frames";

const speaker: Ends = {
  source: "02:00:00:00:00:01",
  destination: "02:00:00:00:00:02",
  from: "192.0.2.1",
  to: "198.51.100.7",
};
const synthetic = [
  ...everyKind(speaker, { ...speaker, from: "2001:db8::1", to: "2001:db8::2" }),
  frame({ protocol: TCP, options: hex("0101 0512 00000001 00000002 00000003 00000004"), payload: new Uint8Array(300) }),
  frame({ from: "2001:db8::1", to: "2001:db8::2", extensions: [[51, hex("0002 0000 0000 0000 0000 0000 0000 0000")]] }),
];

/** Reads all that can be read of a frame, through a view that ends where the frame ends: whatever lies outside throws. */
function readAll(packet: Packet, view: DataView, flows: FlowTable, matches: readonly DeviceMatch[], now: number): void {
  dissect(packet, view);
  for (const match of matches) match.sent(view, 0, packet.length);
  const { version, network, protocol, transport, end } = packet;
  if (version === 4) ipv4.option(view, network, ipv4.OPTION_ROUTER_ALERT);
  if (version === 6) ipv6.finalDestination(view, network, transport);
  if (protocol === TCP || protocol === UDP || protocol === ICMPV6)
    checksum.transportValid(view, version, network, protocol, transport, end);
  if (protocol === TCP && packet.payload > transport) {
    tcp.mss(view, transport);
    tcp.windowScale(view, transport);
    tcp.sackPermitted(view, transport);
    const stamps = tcp.timestamps(view, transport);
    if (stamps !== -1) tcp.timestampEcho(view, stamps);
    const sack = tcp.option(view, transport, tcp.OPTION_SACK);
    for (let i = 0; sack !== -1 && i < tcp.sackBlocks(view, transport); i++) tcp.sackRight(view, sack, i);
  }
  if (flows.lookup(packet, view, micros(now)) === -1 && version !== 0) throw new Error("an IP packet without a flow");
  const inOrder =
    network <= transport && transport <= packet.payload && packet.payload <= packet.length && end <= packet.length;
  if (!inOrder || (version === 0 && protocol !== -1)) throw new Error("positions out of order");
}

function fuzz(t: Test, sources: readonly Uint8Array[], count: number): void {
  const random = new SeededRandom(SEED, String(sources.length));
  const mutator = new Mutator(random);
  const flows = new FlowTable({ capacity: 256, idle: micros(1000) }, { random: new SeededRandom(SEED, "flows") });
  const matches = ["02:00:00:00:00:01", "192.0.2.1", "2001:db8::1"].map((address) => new DeviceMatch(address));
  const packet = new Packet(0);
  const seen = { "not IP": 0, "no transport": 0, IPv4: 0, IPv6: 0, fragments: 0 };
  for (let i = 0; i < count; i++) {
    const bytes = mutator.next(pick(random, sources), pick(random, sources));
    packet.length = bytes.length;
    packet.wireLength = i % 5 === 0 ? bytes.length + 100 : bytes.length;
    try {
      readAll(packet, over(bytes), flows, matches, i);
    } catch (error) {
      t.fail(`frame ${String(i)} of seed "${SEED}": ${Buffer.from(bytes).toString("hex")}`, {
        error,
      });
      return;
    }
    if (packet.version === 0) seen["not IP"]++;
    else if (packet.protocol === -1) seen["no transport"]++;
    else seen[packet.version === 4 ? "IPv4" : "IPv6"]++;
    if (packet.fragment) seen.fragments++;
  }
  t.ok(
    Object.values(seen).every((n) => n > count / 200),
    `${String(count)} frames from ${String(sources.length)}: ${JSON.stringify(seen)}`,
  );
}

test(`mutated frames of our own (seed: ${SEED})`, { timeout: 240_000 }, async (t) => {
  fuzz(t, synthetic, FRAMES);
});

test("mutated frames of real captures", { skip: missing("xz"), timeout: 240_000 }, async (t) => {
  const frames = captures(t.testdir()).flatMap((name) => framesOf(name, 400));
  fuzz(t, [...synthetic, ...frames], FRAMES);
});

function framesOf(name: string, limit: number): Uint8Array[] {
  const frames: Uint8Array[] = [];
  try {
    const reader = CaptureReader.open(name, { truncated: "end" });
    while (frames.length < limit && reader.next())
      frames.push(reader.bytes.slice(reader.at, reader.at + reader.length));
    reader.close();
  } catch (error) {
    if (!(error instanceof HushboxError) || error.code !== "link-type-unsupported") throw error;
  }
  return frames;
}

test("mutated captures are read, or refused with a reason", { timeout: 240_000 }, async (t) => {
  const one = frame();
  const files = [true, false].flatMap((little) => [
    pcapFile({
      little,
      nanos: little,
      records: [
        [1, 2, one],
        [3, 4, one, 1500],
        [5, 6, one],
      ],
    }),
    join([
      section(little),
      interfaceBlock(little, 1, [
        [9, Uint8Array.of(9)],
        [14, new Uint8Array(8)],
      ]),
      enhanced(little, 0, 1n << 40n, one),
      block(little, 3, join([words(little, one.length), one])),
      block(little, 2, join([halves(little, 0, 5), words(little, 0, 5, 5, 60), one.subarray(0, 5)])),
      section(!little),
      interfaceBlock(!little, 1),
      enhanced(!little, 0, 9n, one),
    ]),
  ]);
  const random = new SeededRandom(SEED, "captures");
  const mutator = new Mutator(random);
  const name = path(t.testdir(), "mutated");
  const seen: Record<string, number> = {};
  for (let i = 0; i < 1500; i++) {
    const bytes = mutator.next(pick(random, files), pick(random, files));
    writeFileSync(name, bytes);
    let outcome = "read";
    let reader: CaptureReader | null = null;
    try {
      reader = CaptureReader.open(name);
      while (reader.next()) {
        if (reader.length > reader.originalLength || !Number.isFinite(reader.time))
          throw new Error("a record that cannot be");
      }
    } catch (error) {
      if (!(error instanceof HushboxError)) {
        t.fail(`capture ${String(i)} of seed "${SEED}": ${Buffer.from(bytes).toString("hex")}`, {
          error,
        });
        return;
      }
      outcome = error.code;
    } finally {
      reader?.close();
    }
    seen[outcome] = (seen[outcome] ?? 0) + 1;
  }
  t.match(
    Object.keys(seen).sort(),
    ["capture-invalid", "capture-truncated", "link-type-unsupported", "read"],
    JSON.stringify(seen),
  );
});
