import fc from "fast-check";
import { test } from "tap";
import type { MechanismModules } from "../../src/defense/pad/mechanism.js";
import { uniform } from "../../src/random/random.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
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

function place({ destinations }: MechanismModules): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, 0xc6336401);
  return destinations.at4(view, 0);
}

/** Exchanges of datagrams until `exchanges` were answered. Returns how often a grown one was not. `arrives`: whether one gets through. */
function talk(modules: MechanismModules, of: Life, exchanges: number, arrives: (grown: boolean) => boolean): number {
  const { trust } = modules;
  const to = place(modules);
  let now = 1e6;
  let stalls = 0;
  for (let i = 0; i < exchanges; i++) {
    for (let answered = false; !answered;) {
      const grown = trust.allows(to, "udpSurplus", micros(now));
      if (grown) trust.grew(to, "udpSurplus", UDP, micros(now));
      else trust.plain(to, UDP, micros(now));
      answered = arrives(grown);
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

test("a server that drops what was grown is found out after two stalls at most, and everything is answered", async (t) => {
  fc.assert(
    fc.property(life, fc.integer({ min: 1, max: 30 }), (of, exchanges) => {
      // A device that asks again sooner than a first answer may take has sent more than one by then.
      const early = Math.ceil(1e6 / of.retry);
      const modules = mechanismModules();
      const stalls = talk(modules, of, exchanges, (grown) => !grown);
      t.ok(stalls <= early + 1, `${stalls} grown packets were lost`);
      return modules.tally.read("given_up_udpSurplus") === 1;
    }),
  );
});

test("TCP: a loss of 3 % never switches off what was proven; a server that refuses is found out after two stalls", async (t) => {
  fc.assert(
    fc.property(life, (of) => {
      const modules = mechanismModules();
      const { trust, tally } = modules;
      const random = new SeededRandom(of.seed);
      const to = place(modules);
      let now = 1e6;
      trust.answered(to, "tcpOverlap", micros(now));
      for (let i = 0; i < 1000; i++) {
        now += of.roundTrip;
        if (uniform(random) >= 0.03) trust.answered(to, "tcpOverlap", micros(now));
        else trust.stalled(to, "tcpOverlap", 1500, micros((now += of.retry)));
        trust.heard(to, TCP, micros(now + of.roundTrip));
      }
      const good = tally.read("given_up_tcpOverlap") === 0;
      const refusing = mechanismModules();
      for (let i = 0; i < 2; i++) {
        refusing.trust.stalled(place(refusing), "tcpOverlap", i === 0 ? 1500 : 1280, micros((now += of.retry)));
        refusing.trust.heard(place(refusing), TCP, micros((now += of.roundTrip)));
      }
      return good && refusing.tally.read("given_up_tcpOverlap") === 1;
    }),
    { seed: 20261122, numRuns: 60 },
  );
  t.pass();
});
