import { test } from "tap";
import { DecoySource } from "../../../../src/defense/decoys/source.js";
import type { DecoyKind } from "../../../../src/defense/defense.js";
import type { BudgetOptions } from "../../../../src/defense/options.js";
import { growDecoy } from "../../../../src/defense/pad/grow-decoy.js";
import { PRESETS } from "../../../../src/defense/presets.js";
import { dissect } from "../../../../src/packet/dissect.js";
import { DECOY, Packet } from "../../../../src/packet/packet.js";
import { Pool } from "../../../../src/packet/pool.js";
import { SeededRandom } from "../../../../src/random/seeded-random.js";
import { micros } from "../../../../src/time/micros.js";
import { fold, sum, transportValid } from "../../../../src/wire/checksum.js";
import * as ethernet from "../../../../src/wire/ethernet.js";
import * as ipv4 from "../../../../src/wire/ipv4.js";
import * as ipv6 from "../../../../src/wire/ipv6.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../../src/wire/protocol.js";
import * as udp from "../../../../src/wire/udp.js";
import { Box, BUDGET, DEVICE, options, ROUTER } from "../../../support/box.js";
import { frame, over } from "../../../support/frame.js";
import { tooBig } from "../../../support/icmp.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const HOSTS = { 4: ["192.168.1.5", "198.51.100.7"], 6: ["2001:db8::5", "2001:db8:1::7"] } as const;
const KINDS = ["tcp", "udp", "icmp", "traceroute"] as const;

/** Makes decoys of a device that has talked to one host. */
function decoys(version: 4 | 6, pool: Pool): (kind: DecoyKind, hops: number) => Packet {
  const source = new DecoySource(mechanismModules("grow"));
  const [from, to] = HOSTS[version];
  const bytes = frame({ source: DEVICE, destination: ROUTER, from, to, tags: [7] });
  const real = pool.packet(1);
  pool.bytes.set(bytes, real.at);
  real.length = real.wireLength = bytes.length;
  dissect(real, pool.view);
  source.sawUp(real, pool.view);
  return (kind, hops) => {
    source.prepare(kind, true, hops, 100, 1);
    const packet = pool.packet(0);
    packet.clear();
    source.make(packet, pool.view, micros(0));
    dissect(packet, pool.view);
    return packet;
  };
}

/** True where lengths and checksums are those of a well-formed packet that fills its frame. */
function sound(packet: Packet, view: DataView): boolean {
  const again = new Packet(packet.slot);
  again.length = again.wireLength = packet.length;
  dissect(again, view);
  const { version, network, protocol, transport, end, at, length } = again;
  if (end !== at + length || protocol !== packet.protocol || packet.end !== end) return false;
  if (version === 4 && !ipv4.checksumValid(view, network)) return false;
  if (protocol === UDP && udp.length(view, transport) !== end - transport) return false;
  if (protocol === ICMP) return fold(sum(view, transport, end - transport)) === 0;
  return transportValid(view, version, network, protocol, transport, end);
}

for (const version of [4, 6] as const) {
  test(`decoys over IPv${String(version)} grow to any size and stay sound`, async (t) => {
    const pool = new Pool(2);
    const make = decoys(version, pool);
    const random = new SeededRandom("fill");
    for (const kind of KINDS) {
      for (const target of [400, 401, 1417, 1518]) {
        const packet = make(kind, 2);
        const before = packet.wireLength;
        growDecoy(packet, pool.view, target, random);
        t.equal(packet.wireLength, target, `${kind} to ${String(target)}`);
        t.equal(packet.length, target);
        t.equal(packet.added, target - before);
        t.ok(sound(packet, pool.view), "lengths and checksums are right");
        const tail = pool.bytes.subarray(packet.at + target - 200, packet.at + target);
        t.ok(new Set(tail).size > 50, "random bytes, as those of its payload");
      }
      const packet = make(kind, 2);
      const { wireLength } = packet;
      growDecoy(packet, pool.view, 50, random);
      t.equal(packet.wireLength, wireLength, "none shrinks");
    }
  });
}

test("a SYN that may reach a host gets no payload; what else reaches one grows", async (t) => {
  for (const version of [4, 6] as const) {
    const pool = new Pool(2);
    const make = decoys(version, pool);
    for (const [hops, target] of [
      [1, 1518],
      [4, 1518],
      [5, 0],
      [64, 0],
    ] as const) {
      const syn = make("tcp", hops);
      const { wireLength } = syn;
      growDecoy(syn, pool.view, 1518, new SeededRandom(""));
      t.equal(syn.wireLength, target === 0 ? wireLength : target, `over ${String(hops)} hops`);
      t.ok(sound(syn, pool.view));
    }
    for (const kind of ["udp", "icmp"] as const) {
      const packet = make(kind, 64);
      growDecoy(packet, pool.view, 1518, new SeededRandom(""));
      t.equal(packet.wireLength, 1518, kind);
    }
  }
});

/** Two protocols in uneven bursts, for two minutes. */
function busy(box: Box, version: 4 | 6): void {
  const [from, to] = HOSTS[version];
  let at = 0;
  for (let i = 0; i < 3000; i++) {
    at += i % 60 === 0 ? 700_000 : 3_000;
    const burst = i % 60 < (i / 60) % 50;
    const protocol = burst ? TCP : i % 3 === 0 ? (version === 4 ? ICMP : ICMPV6) : UDP;
    const shape = { source: DEVICE, destination: ROUTER, from, to, protocol, sourcePort: 40_000 + Math.floor(i / 60) };
    box.cards.inside.push(frame({ ...shape, destinationPort: burst ? 443 : 53 }), micros(at));
  }
}

const STANDALONE = PRESETS.standalone.defenses;
const WIDE: BudgetOptions = { ...BUDGET, bytesPerSecond: 1e6, share: 100 };

for (const version of [4, 6] as const) {
  test(`in the datapath over IPv${String(version)}: one size behind the router, answers known, grown bytes paid for`, async (t) => {
    const box = new Box(options(STANDALONE, WIDE), { seed: "grow" });
    busy(box, version);
    box.drain();
    const sent = box.cards.outside.sent.filter(({ kind }) => kind === DECOY);
    for (const kind of KINDS) t.ok(box.count(`decoys_${kind}`) > 3, `${kind} decoys`);
    const lengths = sent.map(({ bytes }) =>
      version === 4 ? ipv4.totalLength(over(bytes), 14) : ipv6.HEADER + ipv6.payloadLength(over(bytes), 14),
    );
    t.same([...new Set(lengths)], [1500]);
    t.equal(box.count("budget_month_bytes"), sent.length * 1514);
    t.equal(box.datapath.monthBytes()[DEVICE], sent.length * 1514);

    // The provider's router answers the last hundred, quoting as much as it may (RFC 1812, 4.3.2.3; RFC 4443, 2.4).
    const six = version === 6;
    const last = sent.slice(-100);
    for (const { bytes } of last) {
      const payload = bytes.slice(14, 14 + (six ? 1232 : 548));
      const [own] = HOSTS[version];
      const far = six ? "2001:db8:9::1" : "203.0.113.1";
      const link = { source: ROUTER, destination: DEVICE, from: far, to: own };
      const answer = frame({ ...link, protocol: six ? ICMPV6 : ICMP, payload });
      answer[six ? 54 : 34] = six ? 3 : 11;
      box.cards.outside.push(answer, micros(box.now + 1));
    }
    const swallowed = box.count("down.swallowed_packets");
    box.run(micros(box.now + 10));
    t.equal(box.count("down.swallowed_packets"), swallowed + last.length);
    t.equal(box.cards.inside.sent.length, 0);
  });
}

for (const version of [4, 6] as const) {
  test(`a decoy too big for its path, IPv${String(version)}: the error ends here, and what follows fits`, async (t) => {
    const box = new Box(options(STANDALONE, WIDE), { seed: "grow" });
    busy(box, version);
    box.drain();
    const decoy = box.cards.outside.sent.filter(({ kind }) => kind === DECOY).at(-1)?.bytes ?? new Uint8Array(0);
    t.equal(decoy.length, 1514);
    const error = tooBig(decoy, 1400);
    ethernet.setSource(over(error), 0, ethernet.parseMac(ROUTER) ?? 0);
    ethernet.setDestination(over(error), 0, ethernet.parseMac(DEVICE) ?? 0);
    box.cards.outside.push(error, micros(box.now + 1));
    box.run(micros(box.now + 10));
    t.equal(box.cards.inside.sent.length, 0, "the device has sent no such packet");
    t.equal(box.count("paths_learned"), 1);
    const [from, to] = HOSTS[version];
    const query = frame({ source: DEVICE, destination: ROUTER, from, to, destinationPort: 53 });
    box.cards.inside.push(query, micros(box.now + 1));
    box.run(micros(box.now + 1e5));
    const view = over(box.cards.outside.sent.at(-1)?.bytes ?? query);
    t.equal(version === 4 ? ipv4.totalLength(view, 14) : ipv6.HEADER + ipv6.payloadLength(view, 14), 1400);
  });
}

test("the budget's bytes bound decoys by their grown size", async (t) => {
  const box = new Box(options(STANDALONE, { ...WIDE, bytesPerSecond: 15_140 }), { seed: "grow" });
  busy(box, 4);
  box.drain();
  const decoys = box.cards.outside.sent.filter(({ kind }) => kind === DECOY);
  t.ok(box.count("decoys_refused_bytes") > 0);
  const span = box.now / 1e6;
  t.ok(decoys.length <= 10 * (span + 1), `${String(decoys.length)} decoys of 1514 B in ${span.toFixed(0)} s`);
  t.ok(decoys.every(({ bytes }) => bytes.length === 1514));
});
