import fc from "fast-check";
import { test } from "tap";
import { UdpSurplus } from "../../src/defense/pad/udp-surplus.js";
import { micros } from "../../src/time/micros.js";
import * as checksum from "../../src/wire/checksum.js";
import { DESTINATION_OPTIONS, UDP } from "../../src/wire/protocol.js";
import * as udp from "../../src/wire/udp.js";
import { frame, over } from "../support/frame.js";
import { arrive, leave, passesIp, passesOcs, passesTracking, surplus } from "../support/grown.js";
import { mechanismModules } from "../support/mechanisms.js";

/** A datagram of any size of a device, and the frame length that it is to grow to. */
const datagram = fc.record({
  six: fc.boolean(),
  options: fc.nat(4),
  sum: fc.boolean(),
  payload: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 1480, size: "max" })),
  trailer: fc.oneof(fc.constant(0), fc.nat(60)),
  target: fc.oneof(fc.constant(1514), fc.integer({ min: 60, max: 1522 })),
});
type Datagram = typeof datagram extends fc.Arbitrary<infer T> ? T : never;

function made({ six, options, sum, payload, trailer }: Datagram): Uint8Array {
  const extension = new Uint8Array(8 * options);
  if (options > 0) extension.set([0, options - 1, 0x1e, 8 * options - 4]);
  const bytes = frame({
    payload,
    trailer,
    ...(six && { from: "2001:db8::1", to: "2001:db8::2" }),
    ...(six && options > 0 && { extensions: [[DESTINATION_OPTIONS, extension]] }),
  });
  if (!six && !sum) udp.setChecksum(over(bytes), 34, 0);
  return bytes;
}

test("a surplus: every checksum right, the datagram as it was, the target met but for what has no room for a checksum", async () => {
  const modules = mechanismModules();
  const { view } = modules.pool;
  const mechanism = new UdpSurplus(modules);
  fc.assert(
    fc.property(datagram, (wanted) => {
      const bytes = made(wanted);
      const packet = arrive(modules, bytes);
      const before = packet.end - packet.at;
      const { transport } = packet;
      const length = udp.length(view, transport);
      mechanism.grow(packet, wanted.target, modules.destinations.of(packet, view), micros(0));
      const grown = packet.end - packet.at - before;
      const room = wanted.target - before;
      const least = 2 + (length & 1);
      if (grown !== (room >= least ? room : 0)) throw new Error(`grew by ${grown}, with room for ${room}`);
      if (grown > 0 && packet.wireLength !== wanted.target) throw new Error(`${packet.wireLength} on the wire`);
      if (packet.added !== packet.wireLength - bytes.length) throw new Error("the padding is not counted");
      if (surplus(modules, packet).length !== grown) throw new Error("UDP's length changed");
      if (!passesIp(modules, packet)) throw new Error("IP's length or checksum is wrong");
      if (!checksum.transportValid(view, packet.version, packet.network, UDP, transport, packet.end))
        throw new Error("UDP's checksum is wrong");
      if (grown > 0 && !passesOcs(modules, packet)) throw new Error("OCS is wrong");
      if (!passesTracking(modules, packet)) throw new Error("connection tracking would drop it");
      const from = transport - packet.at;
      const after = leave(modules, packet);
      if (Buffer.compare(after.subarray(from, from + length), bytes.subarray(from, from + length)) !== 0)
        throw new Error("the datagram changed");
    }),
    { numRuns: 2000 },
  );
});
