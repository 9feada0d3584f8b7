import fc from "fast-check";
import { test } from "tap";
import { MssClamp } from "../../../../src/defense/pad/mss-clamp.js";
import { DOWN, UP, type Direction } from "../../../../src/packet/packet.js";
import { micros } from "../../../../src/time/micros.js";
import { transportValid } from "../../../../src/wire/checksum.js";
import { TCP, UDP } from "../../../../src/wire/protocol.js";
import * as tcp from "../../../../src/wire/tcp.js";
import { frame, hex, over, type Shape } from "../../../support/frame.js";
import { arrive, leave } from "../../../support/grown.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const SIX: Shape = { from: "2001:db8::1", to: "2001:db8:1::2" };

interface Given {
  readonly mtu?: number;
  readonly target?: number;
  /** A path MTU that was learned. */
  readonly path?: number;
  readonly direction?: Direction;
}

/** The segment size that a SYN announces when it leaves, with a right checksum; the frame else as it was. */
function announced(shape: Shape, { mtu = 1500, target = mtu, path, direction = UP }: Given = {}): number {
  const modules = mechanismModules();
  const { view } = modules.pool;
  const before = frame({ protocol: TCP, flags: tcp.SYN, payload: new Uint8Array(0), ...shape });
  const packet = arrive(modules, before, { direction });
  // A packet down finds its host only where one went up.
  packet.direction = UP;
  const place = modules.destinations.of(packet, view);
  packet.direction = direction;
  if (path !== undefined) modules.paths.lower(place, path, micros(0));
  new MssClamp(mtu, target, modules).onPacket(packet, place, micros(1));
  const { version, network, protocol, transport, end } = packet;
  if (!transportValid(view, version, network, protocol, transport, end)) throw new Error("the checksum is wrong");
  const mss = tcp.mss(view, transport);
  if (modules.tally.read("mss_clamped") !== (mss === tcp.mss(over(before), 14 + (version === 4 ? 20 : 40)) ? 0 : 1))
    throw new Error("it is not counted");
  const after = leave(modules, packet);
  const changed = [...before.keys()].filter((i) => before[i] !== after[i]);
  if (changed.length > 4) throw new Error(`${changed.length} bytes changed`);
  return mss;
}

const MSS = hex("02 04 05b4 01 03 03 07"); // 1460, window scale

test("what fits is left as it is, and nothing is raised", async (t) => {
  t.equal(announced({ options: MSS }), 1460);
  t.equal(announced({ options: MSS }, { mtu: 9000 }), 1460);
  t.equal(announced({ ...SIX, options: hex("02 04 05a0") }), 1440);
  t.equal(announced({ options: hex("02 04 0100") }, { path: 1400 }), 256);
  t.equal(announced({ options: hex("01 01 04 02") }, { path: 1400 }), -1, "without the option");
  t.equal(announced({ options: hex("02 03 05 01") }, { path: 1400 }), -1, "an option that is malformed");
});

test("a segment fits the path, both ways", async (t) => {
  for (const direction of [UP, DOWN] as const) {
    t.equal(announced({ options: MSS }, { path: 1400, direction }), 1360);
    t.equal(announced({ ...SIX, options: MSS }, { path: 1400, direction }), 1340);
    t.equal(announced({ options: MSS }, { mtu: 1492, direction }), 1452);
  }
});

test("the device's own segments fit the padding's size; those to it need not", async (t) => {
  t.equal(announced({ options: MSS, flags: tcp.SYN | tcp.ACK }, { target: 1000, direction: DOWN }), 960);
  t.equal(announced({ options: MSS }, { target: 1000, direction: UP }), 1460);
  t.equal(announced({ options: MSS }, { target: 100, direction: DOWN }), 536, "but not crumbs");
  t.equal(announced({ ...SIX, options: MSS }, { target: 100, direction: DOWN }), 1220);
});

test("only SYNs announce it, and only TCP", async (t) => {
  t.equal(announced({ options: MSS, flags: tcp.ACK }, { path: 1400 }), 1460);
  const modules = mechanismModules();
  const bytes = frame({ protocol: UDP });
  const packet = arrive(modules, bytes);
  new MssClamp(1500, 600, modules).onPacket(packet, 0, micros(0));
  t.same(leave(modules, packet), bytes);
});

test("the checksum is right for every size, on odd offsets too", async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 576, max: 1500 }),
      fc.nat(3),
      fc.boolean(),
      (mss, target, before, six) => {
        const options = new Uint8Array(8).fill(1);
        options.set([2, 4, mss >> 8, mss & 0xff], before);
        const least = six ? 1220 : 536;
        const fits = Math.max(target - (six ? 60 : 40), least);
        const given = announced({ ...(six && SIX), options }, { target, direction: DOWN });
        if (given !== Math.min(mss, fits)) throw new Error(`${given} for ${mss} with ${target}`);
      },
    ),
    { numRuns: 2000 },
  );
});
