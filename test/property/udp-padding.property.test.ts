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
import { coalesced, long, QuicTalk, short, VERSION_1, VERSION_2 } from "../support/quic.js";

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

const id = fc.uint8Array({ maxLength: 20 });
const connection = fc.record({
  six: fc.boolean(),
  version: fc.constantFrom(VERSION_1, VERSION_2),
  client: id,
  server: id,
  packets: fc.array(
    fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 1452 })),
      target: fc.oneof(fc.constant(1514), fc.integer({ min: 60, max: 1522 })),
      greased: fc.boolean(),
      other: fc.boolean(),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

test("a prefix and a surplus: packets as RFC 9000 12.2 reads them, the original one last, every length and checksum right", async () => {
  fc.assert(
    fc.property(connection, ({ six, version, client, server, packets }) => {
      const modules = mechanismModules("prefix", 8);
      const { view } = modules.pool;
      const surplusMechanism = new UdpSurplus(modules);
      const talk = new QuicTalk(modules, { six });
      talk.up(long("initial", { version, source: client }));
      talk.down(long("initial", { version, destination: client, source: server }));
      for (const { size, target, greased, other } of packets) {
        const destination = other ? Uint8Array.from(server, (byte) => byte ^ 0xff) : server;
        const payload = short(destination, size, greased);
        const room = target - talk.frame(payload).length;
        const packet = arrive(modules, talk.up(payload, target));
        const { transport } = packet;
        const least = 9 + server.length + client.length + 24;
        const prefixed = room >= least && size > server.length;
        const length = udp.length(view, transport) - udp.HEADER;
        if (length !== size + (prefixed ? room : 0)) throw new Error(`a datagram of ${length} for ${size}`);
        surplusMechanism.grow(packet, target, modules.destinations.of(packet, view), micros(0));
        const gap = target - packet.wireLength;
        if (gap > 0 && gap > 1 + (length & 1)) throw new Error(`${gap} below the target`);
        if (!passesIp(modules, packet) || !passesTracking(modules, packet))
          throw new Error("a middlebox would drop it");
        if (!checksum.transportValid(view, packet.version, packet.network, UDP, transport, packet.end))
          throw new Error("UDP's checksum is wrong");
        const datagram = modules.pool.bytes.slice(packet.payload, packet.payload + length);
        leave(modules, packet);
        const found = coalesced(datagram, server.length);
        if (found.length !== (prefixed ? 2 : 1)) throw new Error(`${found.length} packets`);
        const [prefix] = found;
        const last = found.at(-1);
        if (Buffer.compare(last?.packet ?? datagram, payload) !== 0) throw new Error("the original packet changed");
        if (!prefixed || prefix === undefined) continue;
        if (prefix.type !== "0-rtt" || prefix.version !== version || prefix.sealed < 24)
          throw new Error("no 0-RTT packet");
        if (Buffer.compare(prefix.source, client) !== 0) throw new Error("not the client's connection ID");
        if (Buffer.compare(prefix.destination, destination) !== 0) throw new Error("not the server's connection ID");
      }
    }),
    { numRuns: 1000 },
  );
});
