// Answering keep-alives at the box changes nothing outside: what leaves is the same to the byte and the microsecond.
import { test } from "tap";
import fc from "fast-check";
import type { DatapathOptions } from "../../src/datapath/options.js";
import { PRESETS } from "../../src/defense/presets.js";
import { micros, seconds } from "../../src/time/micros.js";
import * as carrier from "../../src/tunnel/carrier.js";
import * as ethernet from "../../src/wire/ethernet.js";
import * as ipv4 from "../../src/wire/ipv4.js";
import * as tcp from "../../src/wire/tcp.js";
import { Box, BUDGET, DEVICE, ROUTER } from "../support/box.js";
import { segment } from "../support/tcp-segment.js";

const [OWN, FAR] = ["10.77.9.2", "100.127.255.254"];
const SPAN = 60e6;

function options(keepAlives: boolean): DatapathOptions {
  const { defenses } = PRESETS.paired;
  const device = {
    name: "speaker",
    mac: DEVICE,
    defenses: { ...defenses, episode: { ...defenses.episode, keepAlives } },
    budget: { ...BUDGET, perMonth: 60e9 },
    tunnel: {
      networks: null,
      cover: { source: "192.0.2.1", destination: "192.0.2.2" },
      role: "box",
      ends: { source: OWN, destination: FAR },
    },
  } as const;
  return { devices: [device], local: [], delayLocal: true, isolate: false };
}

/** A heartbeat of the gateway with a packet in it. */
function carried(frame: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + 1420);
  const view = new DataView(bytes.buffer);
  ethernet.setDestination(view, 0, ethernet.parseMac(DEVICE) ?? 0);
  ethernet.setSource(view, 0, ethernet.parseMac(ROUTER) ?? 0);
  ethernet.setType(view, 0, ethernet.IPV4);
  const header = new carrier.Header();
  header.flags = carrier.HEARTBEAT;
  const ends = { source: ipv4.parse(FAR) ?? 0, destination: ipv4.parse(OWN) ?? 0 };
  carrier.write(view, 14, 1420, ends, header);
  bytes.set(frame.subarray(14), 14 + carrier.OVERHEAD);
  return bytes;
}

/** Segments of two connections near each other, so that many are keep-alives of what went before, and data of a third. */
const asked = fc.record({
  at: fc.nat(SPAN),
  up: fc.boolean(),
  port: fc.integer({ min: 40_000, max: 40_001 }),
  sequence: fc.integer({ min: 1000, max: 1001 }),
  acknowledgment: fc.integer({ min: 1001, max: 1002 }),
  bytes: fc.integer({ min: 0, max: 1 }),
  flags: fc.oneof(
    { weight: 60, arbitrary: fc.constant(tcp.ACK) },
    { weight: 1, arbitrary: fc.constantFrom(tcp.SYN, tcp.FIN | tcp.ACK, tcp.RST) },
  ),
});
const data = fc.record({
  ...{ at: fc.nat(SPAN), up: fc.boolean(), port: fc.constant(40_002), sequence: fc.nat(9000) },
  ...{ acknowledgment: fc.nat(9000), bytes: fc.integer({ min: 2, max: 1200 }), flags: fc.constant(tcp.ACK) },
});
const said = fc.array(fc.oneof({ weight: 9, arbitrary: asked }, { weight: 1, arbitrary: data }), {
  minLength: 60,
  maxLength: 200,
  size: "max",
});

test("what leaves outside is the same with and without, byte for byte", (t) => {
  let answered = 0;
  fc.assert(
    fc.property(said, fc.string(), (segments, seed) => {
      const inOrder = [...segments].sort((a, b) => a.at - b.at);
      const [one, other] = [true, false].map((keepAlives) => {
        const box = new Box(options(keepAlives), { seed });
        for (const { at, bytes, ...shape } of inOrder) {
          const frame = segment({ ...shape, payload: new Uint8Array(bytes) });
          if (shape.up) box.cards.inside.push(frame, micros(at));
          else box.cards.outside.push(carried(frame), micros(at));
        }
        box.run(seconds(SPAN / 1e6 + 40));
        box.datapath.publish();
        answered += box.count("keep_alives_answered");
        return {
          box,
          left: box.cards.outside.sent
            .map(({ bytes, at }) => `${at} ${Buffer.from(bytes).toString("base64")}`)
            .join("\n"),
          // Inside there is more by the answers, and nothing else.
          inside: box.cards.inside.sent.length - box.count("keep_alives_answered"),
          slots: box.count("tunnel_slots"),
          free: box.pool.available,
        };
      });
      return (
        one?.left === other?.left &&
        one?.inside === other?.inside &&
        one?.slots === other?.slots &&
        one?.free === other?.free &&
        other?.box.count("keep_alives_answered") === 0
      );
    }),
    { numRuns: 40 },
  );
  t.ok(answered > 20, `${answered} keep-alives were answered`);
  t.end();
});
