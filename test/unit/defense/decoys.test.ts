import { test } from "tap";
import fc from "fast-check";
import { Decoy, shareOut } from "../../../src/defense/decoy.js";
import { Budget } from "../../../src/defense/decoys/budget.js";
import { DecoySource } from "../../../src/defense/decoys/source.js";
import type { DecoyKind } from "../../../src/defense/defense.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DECOY, DOWN, Packet } from "../../../src/packet/packet.js";
import { Pool } from "../../../src/packet/pool.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { micros, seconds } from "../../../src/time/micros.js";
import { transportValid } from "../../../src/wire/checksum.js";
import * as ipv4 from "../../../src/wire/ipv4.js";
import { ICMP, ICMPV6, TCP, UDP } from "../../../src/wire/protocol.js";
import { BUDGET, DEVICE, OFF, ROUTER } from "../../support/box.js";
import { frame } from "../../support/frame.js";
import { mechanismModules } from "../../support/mechanisms.js";

const HOSTS = { 4: ["192.168.1.5", "198.51.100.7"], 6: ["fd00::5", "2001:db8::7"] } as const;

/** A packet in a pool, dissected. */
function load(pool: Pool, bytes: Uint8Array): Packet {
  const packet = pool.take();
  if (packet === null) throw new Error("the pool is empty");
  pool.bytes.set(bytes, packet.at);
  packet.length = packet.wireLength = bytes.length;
  dissect(packet, pool.view);
  return packet;
}

function learned(version: 4 | 6, pool: Pool, tags: number[] = []): DecoySource {
  const source = new DecoySource(mechanismModules("decoys"));
  const [from, to] = HOSTS[version];
  source.sawUp(
    load(pool, frame({ source: DEVICE, destination: ROUTER, from, to, tags, protocol: TCP, window: 229 })),
    pool.view,
  );
  return source;
}

function forged(source: DecoySource, pool: Pool, kind: DecoyKind, fresh = true, step = 1): Packet {
  const bytes = source.prepare(kind, fresh, 2, 100, step);
  const packet = pool.take();
  if (packet === null) throw new Error("the pool is empty");
  source.make(packet, pool.view, micros(0));
  dissect(packet, pool.view);
  if (packet.length !== bytes) throw new Error("prepare and make disagree");
  return packet;
}

test("a device that has talked to nobody has no decoys", async (t) => {
  t.equal(new DecoySource(mechanismModules()).prepare("udp", true, 2, 100, 1), -1);
});

for (const version of [4, 6] as const) {
  test(`decoys over IPv${version}: well-formed, TTL-limited, to a host of the device's, on its own link header`, async (t) => {
    const pool = new Pool(64);
    const source = learned(version, pool, [7]);
    const protocols = {
      tcp: TCP,
      udp: UDP,
      icmp: version === 4 ? ICMP : ICMPV6,
      traceroute: version === 4 ? ICMP : ICMPV6,
    };
    for (const kind of ["tcp", "udp", "icmp", "traceroute"] as const) {
      const packet = forged(source, pool, kind);
      const view = pool.view;
      t.equal(packet.kind, DECOY);
      t.equal(packet.version, version);
      t.equal(packet.network - packet.at, 18, "the device's 802.1Q tag is kept");
      t.equal(packet.protocol, protocols[kind], kind);
      const { network, transport, end } = packet;
      const valid = kind === "icmp" || kind === "traceroute" ? ICMP : packet.protocol;
      if (version === 6 || valid !== ICMP)
        t.ok(transportValid(view, version, network, packet.protocol, transport, end), "the checksum is right");
      if (version === 4) t.ok(ipv4.checksumValid(view, network));
      t.equal(view.getUint8(version === 4 ? network + 8 : network + 7), kind === "traceroute" ? 1 : 2, "hops");
      if (kind === "tcp") t.equal(view.getUint16(transport + 14), 229, "the window of the device's last segment");
      if (kind === "tcp" || kind === "udp") {
        t.ok(packet.sourcePort >= 49152, "a dynamic port");
        t.ok(packet.destinationPort >= 1024, "no well-known port is knocked at");
      }
      pool.release(packet);
    }
  });

  test(`answers over IPv${version}: RST, datagram, echo reply and quoting errors are known; others pass`, async (t) => {
    const pool = new Pool(64);
    const source = learned(version, pool);
    const [device, remote] = HOSTS[version];
    const echo = version === 4 ? ICMP : ICMPV6;
    const back = { source: ROUTER, destination: DEVICE, from: remote, to: device };
    const answers = (bytes: Uint8Array): boolean => {
      const packet = load(pool, bytes);
      packet.direction = DOWN;
      return source.answers(packet, pool.view, seconds(1));
    };
    for (const kind of ["tcp", "udp"] as const) {
      const decoy = forged(source, pool, kind);
      const { sourcePort, destinationPort, protocol } = decoy;
      const reply = { ...back, protocol, sourcePort: destinationPort, destinationPort: sourcePort };
      t.ok(answers(frame(reply)), `${kind} answered by its peer`);
      t.notOk(answers(frame({ ...reply, destinationPort: sourcePort - 1 })), "another port of the device");
      t.notOk(answers(frame({ ...reply, sourcePort: destinationPort ^ 1 })), "another port of the host");
      const quote = pool.bytes.slice(decoy.network, decoy.network + 60);
      const error = frame({
        ...back,
        from: version === 4 ? "203.0.113.9" : "2001:db8:9::1",
        protocol: echo,
        payload: quote,
      });
      const type = version === 4 ? 34 : 54;
      for (const [four, six] of [
        [11, 3],
        [3, 1],
      ] as const) {
        error[type] = version === 4 ? four : six;
        t.ok(answers(error), `an ICMP error of type ${String(error[type])} quotes it`);
      }
      t.notOk(answers(error.subarray(0, type + 12)), "an error cut too short to tell passes");
      // The device itself begins to use the tuple: from now on answers are its own.
      source.sawUp(
        load(
          pool,
          frame({
            source: DEVICE,
            destination: ROUTER,
            from: device,
            to: remote,
            protocol,
            sourcePort,
            destinationPort,
          }),
        ),
        pool.view,
      );
      t.notOk(answers(frame(reply)), "a genuine answer passes");
      t.not(forged(source, pool, kind, false).sourcePort, sourcePort, "and the tuple is not used for decoys again");
    }
    const ping = forged(source, pool, "icmp");
    const reply = pool.bytes.slice(ping.at, ping.at + ping.length);
    const pong = Uint8Array.from(frame({ ...back, protocol: echo, payload: reply.slice(ping.payload - ping.at) }));
    const transport = version === 4 ? 34 : 54;
    pong.set(reply.subarray(ping.transport - ping.at + 4, ping.transport - ping.at + 8), transport + 4);
    pong[transport] = version === 4 ? 0 : 129;
    t.ok(answers(pong), "an echo reply");
    pong[transport + 4] = (pong[transport + 4] ?? 0) ^ 1;
    t.notOk(answers(pong), "the reply to the device's own ping");
  });
}

test("an answer is waited for, but not for ever", async (t) => {
  const pool = new Pool(8);
  const source = learned(4, pool);
  const decoy = forged(source, pool, "udp");
  const reply = load(
    pool,
    frame({
      source: ROUTER,
      destination: DEVICE,
      from: HOSTS[4][1],
      to: HOSTS[4][0],
      sourcePort: decoy.destinationPort,
      destinationPort: decoy.sourcePort,
    }),
  );
  t.ok(source.answers(reply, pool.view, seconds(119)));
  t.notOk(source.answers(reply, pool.view, seconds(121)));
});

test("a decoy's window is that of the device's last segment that had one", async (t) => {
  const pool = new Pool(64);
  const source = learned(4, pool);
  const [from, to] = HOSTS[4];
  const window = (flags: number, value: number): number => {
    source.sawUp(
      load(pool, frame({ source: DEVICE, destination: ROUTER, from, to, protocol: TCP, flags, window: value })),
      pool.view,
    );
    const decoy = forged(source, pool, "tcp");
    return pool.view.getUint16(decoy.transport + 14);
  };
  t.equal(window(0x10, 300), 300);
  t.equal(window(0x10, 0), 300, "a closed window");
  t.equal(window(0x14, 7), 300, "a reset");
  t.equal(window(0x02, 14600), 300, "a SYN");
  t.equal(window(0x18, 301), 301);
});

test("ten thousand decoys: the latest four thousand are known, none is confused", async (t) => {
  const pool = new Pool(8);
  const source = learned(4, pool);
  const tuples: [number, number][] = [];
  for (let i = 0; i < 10_000; i++) {
    const packet = forged(source, pool, "udp");
    tuples.push([packet.sourcePort, packet.destinationPort]);
    pool.release(packet);
  }
  const known = ([sourcePort, destinationPort]: [number, number]): boolean => {
    const packet = load(
      pool,
      frame({
        source: ROUTER,
        destination: DEVICE,
        from: HOSTS[4][1],
        to: HOSTS[4][0],
        sourcePort: destinationPort,
        destinationPort: sourcePort,
      }),
    );
    const answer = source.answers(packet, pool.view, micros(0));
    pool.release(packet);
    return answer;
  };
  t.ok(tuples.slice(-4000).every(known));
  t.equal(tuples.slice(0, 5000).filter(known).length, 0);
});

test("budget: every bound holds after every grant", async (t) => {
  const asks = fc.array(
    fc.record({ gap: fc.nat(200_000), bytes: fc.integer({ min: 42, max: 1514 }), real: fc.nat(3000) }),
    {
      maxLength: 400,
    },
  );
  fc.assert(
    fc.property(asks, (all) => {
      const options = { packetsPerSecond: 20, bytesPerSecond: 12_000, share: 0.5, perMonth: 150_000 };
      const budget = new Budget(options, 1000, micros(0));
      const granted: { at: number; bytes: number }[] = [];
      let now = 0;
      let real = 0;
      for (const { gap, bytes, real: sent } of all) {
        now += gap;
        real += sent;
        budget.spendReal(sent);
        if (budget.ask(bytes, micros(now)) === null) granted.push({ at: now, bytes });
        const total = granted.reduce((n, g) => n + g.bytes, 0);
        const second = granted.filter((g) => g.at > now - 1e6);
        if (total > 0.5 * real + 64_000 || total + 1000 > 150_000) return false;
        // A second may spend what was saved in the second before it.
        if (second.length > 40 || second.reduce((n, g) => n + g.bytes, 0) > 24_000) return false;
        if (budget.monthBytes !== 1000 + total || budget.left !== 150_000 - 1000 - total) return false;
      }
      return true;
    }),
  );
  t.equal(new Budget({ ...BUDGET, perMonth: 100 }, 0, micros(0)).ask(101, micros(0)), "month");
  t.equal(
    new Budget({ ...BUDGET, share: 0 }, 0, micros(0)).ask(1514, micros(0)),
    null,
    "the floor lets a quiet device begin",
  );
});

test("shareOut: small wishes are met first, the total is kept", async (t) => {
  t.same(shareOut([1000, 0, 3], 100), [97, 0, 3]);
  t.same(shareOut([5, 5, 5], 100), [5, 5, 5]);
  t.same(shareOut([1000, 1000, 1000], 100), [33, 33, 34]);
  t.same(shareOut([1000, 2, 1000], 0), [0, 0, 0]);
});

test("decoy: per window |N(0, ν·σ²)| of each kind, spread over the window; nothing without a variance or at ν = 0", async (t) => {
  const asked = (variance: number, perWindow: (w: number) => number): { kind: DecoyKind; at: number }[] => {
    const decoy = new Decoy({ ...OFF.decoy, variance, window: seconds(1) }, new SeededRandom("d"), micros(0));
    const all: { kind: DecoyKind; at: number }[] = [];
    const asks = {
      decoy: (kind: DecoyKind, at: number) => {
        all.push({ kind, at });
        return true;
      },
      affordable: () => 1e6,
      kinds: OFF.decoy.kinds,
    };
    for (let w = 0; w < 300; w++) {
      for (let i = 0; i < perWindow(w); i++) {
        const packet = new Packet(0);
        packet.protocol = UDP;
        packet.sourcePort = 40_000 + i;
        packet.destinationPort = 443;
        decoy.onPacket(packet);
      }
      while (decoy.wakeAt() <= (w + 1) * 1e6) decoy.onTick(decoy.wakeAt(), asks);
    }
    return all;
  };
  t.equal(asked(2, () => 7).length, 0, "no variance");
  t.equal(asked(0, (w) => w % 20).length, 0, "ν = 0");
  const drawn = asked(2, (w) => (w % 2) * 20);
  t.ok(
    drawn.every(({ kind }) => kind === "udp"),
    "only what varies gets noise",
  );
  // σ = 10; the mean of |N(0, 2·100)| is sqrt(2·100)·sqrt(2/π) = 11.28 a window.
  const mean = drawn.length / 299;
  t.ok(Math.abs(mean - 11.28) < 1.7, `a mean of ${mean.toFixed(2)} a window`);
  const phase = drawn.reduce((n, { at }) => n + (at % 1e6), 0) / drawn.length;
  t.ok(Math.abs(phase - 5e5) < 3e4, "evenly over the window");
});
