import fc from "fast-check";
import { test } from "tap";
import { IcmpEcho } from "../../src/defense/pad/icmp-echo.js";
import { DOWN } from "../../src/packet/packet.js";
import { micros } from "../../src/time/micros.js";
import { arrive, leave, passesIcmp, passesIp } from "../support/grown.js";
import { echoReply, echoRequest } from "../support/icmp.js";
import { mechanismModules } from "../support/mechanisms.js";

/** An echo request of a device, and what happens to it. */
const echo = fc.record({
  six: fc.boolean(),
  host: fc.integer({ min: 1, max: 3 }),
  identifier: fc.nat(2),
  sequence: fc.nat(3),
  payload: fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 1472, size: "max" })),
  trailer: fc.oneof(fc.constant(0), fc.nat(18)),
  target: fc.oneof(fc.constant(1514), fc.integer({ min: 60, max: 1514 })),
  copies: fc.integer({ min: 0, max: 2 }),
});

test("whatever a device asks, the reply is to what it asked", async () => {
  fc.assert(
    fc.property(fc.array(echo, { maxLength: 12 }), (echoes) => {
      const modules = mechanismModules();
      const { view } = modules.pool;
      const mechanism = new IcmpEcho(modules);
      for (const [i, { six, host, identifier, sequence, payload, trailer, target, copies }] of echoes.entries()) {
        const shape = {
          from: six ? "2001:db8::1" : "192.0.2.1",
          to: six ? `2001:db8:1::${host}` : `198.51.100.${host}`,
        };
        const request = echoRequest({ ...shape, payload }, sequence, identifier);
        const now = micros(i);
        const up = arrive(modules, Uint8Array.from([...request, ...new Uint8Array(trailer)]), { now });
        mechanism.grow(up, target, modules.destinations.of(up, view), now);
        if (up.wireLength !== Math.max(target, request.length) && up.wireLength !== request.length + trailer)
          throw new Error(`${up.wireLength} bytes on the wire for ${target}`);
        if (!passesIp(modules, up) || !passesIcmp(modules, up)) throw new Error("a checksum of the request is wrong");
        const grown = modules.pool.bytes.slice(up.at, up.end);
        modules.pool.release(up);
        for (let copy = 0; copy < copies; copy++) {
          const down = arrive(modules, echoReply(grown), { direction: DOWN, now });
          mechanism.clean(down, modules.destinations.of(down, view), now);
          if (!passesIp(modules, down) || !passesIcmp(modules, down))
            throw new Error("a checksum of the reply is wrong");
          if (Buffer.compare(leave(modules, down), echoReply(request)) !== 0) throw new Error("the reply is another");
        }
      }
    }),
    { numRuns: 500 },
  );
});
