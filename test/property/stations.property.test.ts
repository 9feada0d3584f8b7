import { test } from "tap";
import fc from "fast-check";
import { micros, millis } from "../../src/time/micros.js";
import { parseMac } from "../../src/wire/ethernet.js";
import { ALL, BUDGET, Box, DEVICE, options, ROUTER } from "../support/box.js";
import { frame, over } from "../support/frame.js";
import { BRIDGE } from "../support/take-over-twin.js";

const PHONE = "02:00:00:00:00:03";
const NEW = "02:00:00:00:00:05";
const GROUP = "01:00:5e:00:00:fb";
const HAIRPIN = {
  ...BRIDGE,
  hairpin: true,
  inside: [DEVICE, PHONE].map((mac) => parseMac(mac) ?? 0),
  outside: [parseMac(ROUTER) ?? 0],
};

/** Where frames come from and go to, and by which cards each must leave. */
const WAYS = [
  { side: "inside", source: DEVICE, destination: PHONE, leaves: ["inside"] },
  { side: "inside", source: PHONE, destination: DEVICE, leaves: ["inside"] },
  { side: "inside", source: DEVICE, destination: ROUTER, leaves: ["outside"] },
  { side: "outside", source: ROUTER, destination: DEVICE, leaves: ["inside"] },
  { side: "inside", source: DEVICE, destination: NEW, leaves: ["outside", "inside"] },
  { side: "inside", source: DEVICE, destination: GROUP, leaves: ["outside", "inside"] },
] as const;

const traffic = fc.array(
  fc.record({
    gap: fc.oneof({ weight: 8, arbitrary: fc.nat(5_000) }, { weight: 1, arbitrary: fc.nat(300_000) }),
    way: fc.constantFrom(...WAYS),
    local: fc.boolean(),
    size: fc.nat(1400),
  }),
  { maxLength: 200, size: "max" },
);

test("between stations, outside and both ways: each frame leaves by each of its cards once, and no slot is lost", (t) => {
  fc.assert(
    fc.property(traffic, fc.boolean(), fc.nat(50), fc.string(), (all, delayLocal, delay, seed) => {
      const jitter = { ...ALL.jitter, variance: 64, maxDelay: millis(delay), window: millis(100) };
      const box = new Box(options({ ...ALL, jitter }, BUDGET, delayLocal), { seed });
      box.datapath.share(HAIRPIN);
      let now = 0;
      all.forEach(({ gap, way, local, size }, i) => {
        now += gap;
        const far = local ? "192.168.1.9" : "198.51.100.7";
        const [from, to] = way.source === DEVICE ? ["192.168.1.5", far] : [far, "192.168.1.5"];
        const bytes = frame({ ...way, from, to, payload: new Uint8Array(size) });
        over(bytes).setUint16(18, i);
        box.cards[way.side].push(bytes, micros(now));
      });
      box.drain();
      for (const side of ["inside", "outside"] as const) {
        const left = box.cards[side].sent
          .filter(({ kind }) => kind === 0)
          .map(({ bytes }) => over(bytes).getUint16(18));
        const expected = all.flatMap(({ way }, i) => ((way.leaves as readonly string[]).includes(side) ? [i] : []));
        if (JSON.stringify(left.sort((a, b) => a - b)) !== JSON.stringify(expected)) return false;
      }
      const counted = box.count("up.packets_out") + box.count("down.packets_out");
      return counted === all.length && box.pool.available === box.pool.capacity;
    }),
    { numRuns: 60 },
  );
  t.pass();
  t.end();
});
