import { test } from "tap";
import fc from "fast-check";
import { Window } from "../../../src/defense/window.js";
import { dissect } from "../../../src/packet/dissect.js";
import { DECOY, DOWN, UP, type Direction, type Packet } from "../../../src/packet/packet.js";
import { micros, NEVER } from "../../../src/time/micros.js";
import { completeChecksum, transportValid } from "../../../src/wire/checksum.js";
import { TCP, UDP } from "../../../src/wire/protocol.js";
import * as tcp from "../../../src/wire/tcp.js";
import { frame, over, type Shape } from "../../support/frame.js";
import { mechanismModules } from "../../support/mechanisms.js";

const SPEAKER = "192.168.77.10";
const CLOUD = "198.51.100.7";
const KIB = 1024;

/** How a SYN's options say a scale; without an argument none. */
function scaling(scale?: number): Uint8Array {
  return Uint8Array.from(scale === undefined ? [] : [1, 3, 3, scale]);
}

/** A window defense and the flows it asks; packets are given to both as the datapath would. */
class Bench {
  readonly modules = mechanismModules();
  readonly window: Window;

  constructor(size = 32 * KIB) {
    this.window = new Window({ enabled: true, size }, this.modules);
  }

  pass(bytes: Uint8Array, direction: Direction = UP, change: (packet: Packet) => void = () => undefined): Packet {
    const { pool, flows, tcp: tcpFlows } = this.modules;
    const packet = pool.take();
    if (packet === null) throw new Error("the pool is empty");
    pool.bytes.set(bytes, packet.at);
    packet.length = packet.wireLength = bytes.length;
    packet.direction = direction;
    packet.device = 0;
    change(packet);
    dissect(packet, pool.view);
    packet.flow = flows.lookup(packet, pool.view, micros(0));
    if (packet.protocol === TCP && !packet.fragment) tcpFlows.see(packet, pool.view, flows.generation(packet.flow));
    this.window.onPacket(packet);
    pool.release(packet);
    return packet;
  }

  /** The window that leaves where the device announces `window`. */
  up(window: number, shape: Shape = {}, change?: (packet: Packet) => void): number {
    const bytes = frame({ from: SPEAKER, to: CLOUD, protocol: TCP, window, ...shape });
    const packet = this.pass(bytes, UP, change);
    return tcp.window(this.modules.pool.view, packet.transport);
  }

  /** Both SYNs; each side's scale, or none. Answers the window of the SYN that left. */
  shake(ours?: number, theirs?: number, shape: Shape = {}): number {
    const syn = { ...shape, flags: tcp.SYN, options: scaling(ours), payload: new Uint8Array(0) };
    const left = this.up(64_240, syn);
    const bytes = frame({
      ...{ from: CLOUD, to: SPEAKER, protocol: TCP, flags: tcp.SYN | tcp.ACK, options: scaling(theirs) },
      ...{ sourcePort: 443, destinationPort: shape.sourcePort ?? 40000, payload: new Uint8Array(0) },
    });
    // It acknowledges the SYN of frame().
    over(bytes).setUint32(14 + 20 + 8, 0xdeadbef0);
    this.pass(bytes, DOWN);
    return left;
  }
}

test("in bytes the window is one constant at every scale, the SYN's too", async (t) => {
  for (let scale = 0; scale <= 14; scale++) {
    const bench = new Bench();
    t.equal(bench.shake(scale, 7), 32 * KIB, "a SYN is not scaled");
    t.equal(bench.up(0xffff) << scale, 32 * KIB, `scale ${String(scale)}`);
    t.equal(bench.modules.tally.read("windows_clamped"), 2);
  }
});

test("windows are not scaled where one side did not offer it (RFC 7323, 2.2)", async (t) => {
  for (const [ours, theirs] of [
    [7, undefined],
    [undefined, 7],
    [undefined, undefined],
  ]) {
    const bench = new Bench();
    bench.shake(ours, theirs);
    t.equal(bench.up(0xffff), 32 * KIB);
  }
});

test("never raised: a small window and none at all pass as they are", async (t) => {
  const bench = new Bench();
  bench.shake(7, 7);
  for (const small of [0, 1, 100, 255, 256]) t.equal(bench.up(small), small);
  t.equal(bench.up(257), 256);
  t.equal(new Bench().up(1000, { flags: tcp.SYN }), 1000, "nor a SYN's");
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 14 }),
      fc.integer({ min: 4 * KIB, max: 1024 * KIB }),
      fc.integer({ min: 0, max: 0xffff }),
      (scale, size, window) => {
        const flow = new Bench(size);
        flow.shake(scale, 2);
        const left = flow.up(window);
        const fits = left << scale <= size || left <= 1;
        return left <= window && (window === 0 || left > 0) && fits;
      },
    ),
  );
});

test("a scale that no multiple fits under leaves a window of one unit, not none: the flow goes on", async (t) => {
  const bench = new Bench(4 * KIB);
  bench.shake(14, 7);
  t.equal(bench.up(9), 1);
});

test("a device that begins with less has its beginning as the constant, down to 14 KiB", async (t) => {
  for (const [begins, constant] of [
    [64_240, 32 * KIB],
    [32_768, 32 * KIB],
    [29_200, 28 * KIB],
    [14_600, 14 * KIB],
    [14_400, 14 * KIB],
    [14_335, 32 * KIB],
    [0, 32 * KIB],
  ] as const) {
    const bench = new Bench();
    const syn = { flags: tcp.SYN, options: scaling(6), sourcePort: 40001 };
    t.equal(bench.up(begins, syn), Math.min(begins, constant), `begins with ${String(begins)}`);
    bench.shake(6, 7);
    t.equal(bench.up(636) << 6, Math.min(constant, 636 << 6), "on a later flow too");
    t.equal(bench.up(0, { flags: tcp.RST }) << 6, constant);
    bench.up(20_000, syn);
    t.ok(bench.up(0, { flags: tcp.RST }) << 6 <= constant, "it never rises again");
  }
  const small = new Bench(4 * KIB);
  small.up(14_600, { flags: tcp.SYN });
  t.equal(small.up(0, { flags: tcp.RST, sourcePort: 1 }), 4 * KIB, "a smaller size stays");
});

test("where the handshake was not seen, windows pass as they are", async (t) => {
  t.equal(new Bench().up(60_000), 60_000);
  const bench = new Bench();
  bench.up(64_240, { flags: tcp.SYN, options: scaling(7) });
  t.equal(bench.up(60_000), 60_000, "nor without the answer to the SYN");
  t.equal(
    bench.up(60_000, {}, (packet) => (packet.device = 1)),
    60_000,
    "nor on another flow",
  );
});

test("a RST's window means nothing: it gets the constant, also where it was less", async (t) => {
  const bench = new Bench();
  bench.shake(7, 7);
  t.equal(bench.up(0, { flags: tcp.RST | tcp.ACK }), 256);
  t.equal(bench.up(60_000, { flags: tcp.RST }), 256);
  t.equal(new Bench().up(0, { flags: tcp.RST | tcp.ACK }), 32 * KIB, "of a flow that nobody saw begin");
});

test("a decoy's window is the constant, also where the device's own was less", async (t) => {
  for (const window of [229, 32 * KIB, 60_000]) {
    const bench = new Bench();
    const decoy = (packet: Packet): void => {
      packet.kind = DECOY;
    };
    t.equal(bench.up(window, { flags: tcp.SYN, options: scaling(6) }, decoy), 32 * KIB);
    t.equal(bench.modules.tally.read("windows_clamped"), 0, "and is not counted as the device's");
  }
});

test("the checksum stays right; a wrong one stays wrong", async (t) => {
  for (const six of [false, true]) {
    const ends = six ? { from: "2001:db8::10", to: "2001:db8:1::7" } : { from: SPEAKER, to: CLOUD };
    const bench = new Bench();
    for (const wrong of [false, true]) {
      const bytes = frame({ ...ends, protocol: TCP, flags: tcp.SYN, window: 64_240, options: scaling(7) });
      const at = six ? 54 : 34;
      if (wrong) over(bytes).setUint16(at + 16, over(bytes).getUint16(at + 16) ^ 0x0100);
      const { network, transport, end, protocol } = bench.pass(bytes);
      const { view } = bench.modules.pool;
      t.equal(tcp.window(view, transport), 32 * KIB);
      t.equal(transportValid(view, six ? 6 : 4, network, protocol, transport, end), !wrong);
    }
  }
});

test("the checksum of a packet that a capture cut is that of the whole", async (t) => {
  const bench = new Bench();
  const whole = frame({
    from: SPEAKER,
    to: CLOUD,
    protocol: TCP,
    flags: tcp.SYN,
    payload: new Uint8Array(900).fill(7),
  });
  over(whole).setUint16(34 + 14, 50_000);
  completeChecksum(over(whole), 4, 14, TCP, 34, whole.length);
  const packet = bench.pass(whole.subarray(0, 60), UP, (cut) => {
    cut.length = 60;
    cut.wireLength = whole.length;
  });
  const { pool } = bench.modules;
  whole.set(pool.bytes.subarray(packet.at, packet.at + 60));
  t.equal(over(whole).getUint16(34 + 14), 32 * KIB);
  t.ok(transportValid(over(whole), 4, 14, TCP, 34, whole.length));
});

test("local traffic, fragments, other protocols and the way down are left alone", async (t) => {
  const bench = new Bench();
  bench.shake(7, 7);
  const home = (packet: Packet): void => {
    packet.home = true;
  };
  t.equal(bench.up(60_000, {}, home), 60_000);
  t.equal(bench.up(60_000, { flags: tcp.RST }, home), 60_000);
  const first = frame({ from: SPEAKER, to: CLOUD, protocol: TCP, window: 60_000 });
  over(first).setUint16(14 + 6, 0x2000);
  t.equal(tcp.window(bench.modules.pool.view, bench.pass(first).transport), 60_000, "a first fragment");
  const datagram = frame({ from: SPEAKER, to: CLOUD, protocol: UDP, payload: new Uint8Array(30).fill(255) });
  const sent = bench.pass(datagram);
  t.same(bench.modules.pool.bytes.slice(sent.at, sent.at + sent.length), datagram);
  const back = { from: CLOUD, to: SPEAKER, sourcePort: 443, destinationPort: 40000, protocol: TCP, window: 60_000 };
  t.equal(tcp.window(bench.modules.pool.view, bench.pass(frame(back), DOWN).transport), 60_000);
  t.equal(bench.window.wakeAt(), NEVER);
});
