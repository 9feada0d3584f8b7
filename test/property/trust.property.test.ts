import fc from "fast-check";
import { test } from "tap";
import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { uniform } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { WATCHED } from "../../src/defense/pad/watched.js";
import { micros } from "../../src/time/micros.js";
import { TCP, UDP } from "../../src/wire/protocol.js";
import { mechanismModules } from "../support/mechanisms.js";

/** A device that asks a server, and asks again after `retry` where no answer came. */
interface Life {
  readonly seed: string;
  readonly roundTrip: number;
  readonly retry: number;
  readonly pause: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  seed: fc.string({ minLength: 1, maxLength: 8 }),
  roundTrip: fc.integer({ min: 1e3, max: 400e3 }),
  retry: fc.integer({ min: 500e3, max: 6e6 }),
  pause: fc.integer({ min: 0, max: 30e6 }),
});

/** Bytes of a packet as the device makes it. */
const PLAIN = 100;

function place({ destinations }: MechanismModules): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, 0xc6336401);
  return destinations.at4(view, 0);
}

/**
 * Exchanges of datagrams until `exchanges` were answered; they grow to 1500 bytes or what the path is known to take. Returns how often a
 * grown one was not. `arrives`: whether one of so many bytes gets through.
 */
function talk(modules: MechanismModules, of: Life, exchanges: number, arrives: (bytes: number) => boolean): number {
  const { trust, paths } = modules;
  const to = place(modules);
  let now = 1e6;
  let stalls = 0;
  for (let i = 0; i < exchanges; i++) {
    for (let answered = false; !answered;) {
      const grown = trust.allows(to, WATCHED.udpSurplus, micros(now));
      const bytes = grown ? Math.min(1500, paths.limit(to, micros(now))) : PLAIN;
      if (grown) trust.grew(to, WATCHED.udpSurplus, UDP, bytes, micros(now));
      else trust.plain(to, UDP, micros(now));
      answered = arrives(bytes);
      if (answered) trust.heard(to, UDP, micros(now + of.roundTrip));
      else if (grown) stalls++;
      now += answered ? of.roundTrip : of.retry;
    }
    now += of.pause;
  }
  return stalls;
}

test("a loss of 3 % never switches off what was proven", async (t) => {
  fc.assert(
    fc.property(life, (of) => {
      const modules = mechanismModules();
      const random = new SeededRandom(of.seed);
      talk(modules, of, 1, () => true);
      // Proof is an hour old at most.
      talk(modules, { ...of, pause: Math.min(of.pause, 5e6) }, 500, () => uniform(random) >= 0.03);
      return modules.tally.read("given_up_udpSurplus") === 0;
    }),
    { seed: 20261122, numRuns: 60 },
  );
  t.pass();
});

test("a server that drops what was grown is found out after two stalls of each length at most, and all is answered", async (t) => {
  fc.assert(
    fc.property(life, fc.integer({ min: 2, max: 30 }), (of, exchanges) => {
      // A device that asks again sooner than a first answer may take has sent more than one by then.
      const early = Math.ceil(1e6 / of.retry);
      const modules = mechanismModules();
      const stalls = talk(modules, of, exchanges, (bytes) => bytes === PLAIN);
      t.ok(stalls <= 2 * (early + 1), `${stalls} grown packets were lost`);
      return modules.tally.read("given_up_udpSurplus") === 1;
    }),
  );
});

test("a path that drops what is too long without a word costs two stalls at most, and no mechanism", async (t) => {
  fc.assert(
    fc.property(life, fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1280, max: 1499 }), (of, exchanges, mtu) => {
      const early = Math.ceil(1e6 / of.retry);
      const modules = mechanismModules();
      // All of it within the ten minutes that a limit holds at first.
      const stalls = talk(modules, { ...of, pause: Math.min(of.pause, 5e6) }, exchanges, (bytes) => bytes <= mtu);
      t.ok(stalls <= early + 1, `${stalls} grown packets were lost`);
      return modules.tally.read("given_up_udpSurplus") === 0 && modules.tally.read("paths_learned") === 1;
    }),
  );
  t.pass();
});

test("TCP: a loss of 3 % never switches off what was proven; a server that refuses is found out after two stalls", async (t) => {
  fc.assert(
    fc.property(life, (of) => {
      const modules = mechanismModules();
      const { trust, tally } = modules;
      const random = new SeededRandom(of.seed);
      const to = place(modules);
      let now = 1e6;
      trust.answered(to, WATCHED.tcpOverlap, 1500, micros(now));
      for (let i = 0; i < 1000; i++) {
        now += of.roundTrip;
        if (uniform(random) >= 0.03) trust.answered(to, WATCHED.tcpOverlap, 1500, micros(now));
        else trust.stalled(to, WATCHED.tcpOverlap, 1500, micros((now += of.retry)));
        trust.heard(to, TCP, micros(now + of.roundTrip));
      }
      const good = tally.read("given_up_tcpOverlap") === 0;
      const refusing = mechanismModules();
      for (let i = 0; i < 2; i++) {
        refusing.trust.stalled(place(refusing), WATCHED.tcpOverlap, i === 0 ? 1500 : 1280, micros((now += of.retry)));
        refusing.trust.heard(place(refusing), TCP, micros((now += of.roundTrip)));
      }
      return good && refusing.tally.read("given_up_tcpOverlap") === 1;
    }),
    { seed: 20261122, numRuns: 60 },
  );
  t.pass();
});
