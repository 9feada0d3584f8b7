import { test, type Test } from "tap";
import { micros } from "../../../../src/time/micros.js";
import * as checksum from "../../../../src/wire/checksum.js";
import * as udp from "../../../../src/wire/udp.js";
import { UDP } from "../../../../src/wire/protocol.js";
import { hex, over } from "../../../support/frame.js";
import { arrive, leave, passesIp, passesTracking } from "../../../support/grown.js";
import { mechanismModules } from "../../../support/mechanisms.js";
import { coalesced, long, QuicTalk, short, VERSION_2 } from "../../../support/quic.js";

const CLIENT = hex("c0c1c2c3");
const SERVER = hex("e0e1e2e3e4");
/** Ethernet, IPv4 and UDP. */
const HEADERS = 42;

/** A conversation behind its handshake. */
function ready(modules = mechanismModules(), six = false): QuicTalk {
  const talk = new QuicTalk(modules, { six });
  talk.up(long("initial"));
  talk.down(long("initial", { destination: CLIENT, source: SERVER }));
  return talk;
}

function isPlain(t: Test, talk: QuicTalk, payload: Uint8Array, what: string): void {
  t.same(talk.up(payload), talk.frame(payload), what);
}

function isGrown(t: Test, talk: QuicTalk, payload: Uint8Array, what: string): void {
  t.equal(talk.up(payload).length, 1514, what);
}

test("a 0-RTT packet stands before the 1-RTT packet", async (t) => {
  const packet = short(SERVER, 40);
  const after = ready().up(packet);
  t.equal(after.length, 1514);
  const payload = after.subarray(HEADERS);
  t.same(payload.subarray(1, 18), hex("00000001 05 e0e1e2e3e4 04 c0c1c2c3 4586"));
  t.equal((payload[0] ?? 0) & 0xf0, 0xd0);
  t.same(payload.subarray(-40), packet, "the original packet, unchanged, at the end");
  t.match(coalesced(payload, 5), [
    { type: "0-rtt", version: 1, destination: SERVER, source: CLIENT, sealed: 0x586 },
    { type: "1-rtt", destination: SERVER, packet },
  ]);
});

test("lengths and checksums, of odd and even datagrams, over both versions of IP", async (t) => {
  for (const six of [false, true]) {
    const modules = mechanismModules();
    const talk = ready(modules, six);
    for (const size of [30, 31, 1000, 1001]) {
      for (const target of [1514, 1513]) {
        const packet = arrive(modules, talk.up(short(SERVER, size), target));
        const { view } = modules.pool;
        t.equal(packet.wireLength, target);
        t.equal(udp.length(view, packet.transport), packet.end - packet.transport, "UDP's length says so too");
        t.ok(passesIp(modules, packet) && passesTracking(modules, packet));
        t.ok(checksum.transportValid(view, packet.version, packet.network, UDP, packet.transport, packet.end));
        leave(modules, packet);
      }
    }
  }
});

test("version 2 has its own numbers", async (t) => {
  const talk = new QuicTalk(mechanismModules());
  talk.up(long("initial", { version: VERSION_2 }));
  talk.down(long("initial", { version: VERSION_2, destination: CLIENT, source: SERVER }));
  const payload = talk.up(short(SERVER)).subarray(HEADERS);
  t.equal((payload[0] ?? 0) & 0xf0, 0xe0);
  t.match(coalesced(payload, 5), [{ type: "0-rtt", version: VERSION_2, source: CLIENT }, { type: "1-rtt" }]);
});

test("not before both sides have shown their long headers; what has one itself is left alone", async (t) => {
  const talk = new QuicTalk(mechanismModules());
  isPlain(t, talk, long("initial"), "the Initial");
  isPlain(t, talk, short(SERVER), "before an answer");
  talk.down(short(CLIENT));
  isPlain(t, talk, short(SERVER), "a short header down is no answer");
  talk.down(long("initial", { destination: hex("c0c1c2c4"), source: SERVER }));
  isPlain(t, talk, short(SERVER), "an answer to somebody else");
  talk.down(long("handshake", { destination: CLIENT, source: SERVER, size: 100 }));
  isPlain(t, talk, long("handshake", { destination: SERVER, size: 100 }), "the client's Handshake");
  isGrown(t, talk, short(SERVER), "behind the handshake");
});

test("connection IDs: none, the longest, and another of the same length", async (t) => {
  for (const [client, server] of [
    [hex(""), hex("e0e1e2e3e4e5e6e7")],
    [new Uint8Array(20).fill(7), new Uint8Array(20).fill(9)],
    [hex("c0"), hex("")],
  ] as const) {
    const talk = new QuicTalk(mechanismModules());
    talk.up(long("initial", { source: client }));
    talk.down(long("initial", { destination: client, source: server }));
    talk.down(short(client));
    const [prefix] = coalesced(talk.up(short(server)).subarray(HEADERS), server.length);
    t.match(prefix, { type: "0-rtt", source: client, destination: server });
  }
  const talk = ready();
  const other = hex("f0f1f2f3f4");
  t.match(coalesced(talk.up(short(other)).subarray(HEADERS), 5), [{ destination: other }, { destination: other }]);
});

test("Retry: the server's ID is that of its Initial, not that of the Retry", async (t) => {
  const talk = new QuicTalk(mechanismModules());
  talk.up(long("initial"));
  talk.down(long("retry", { destination: CLIENT, source: hex("0a0b"), size: 100 }));
  isPlain(t, talk, short(SERVER), "a Retry is no answer");
  talk.up(long("initial", { destination: hex("0a0b") }));
  talk.down(long("initial", { destination: CLIENT, source: SERVER }));
  // Later long headers with another source are no more this connection's (RFC 9000, 7.2).
  talk.down(long("handshake", { destination: CLIENT, source: hex("0a0b") }));
  t.match(coalesced(talk.up(short(SERVER)).subarray(HEADERS), 5), [{ destination: SERVER }, { destination: SERVER }]);
});

test("version negotiation: by a packet of version 0, or within the handshake (RFC 9368)", async (t) => {
  const again = new QuicTalk(mechanismModules());
  again.up(long("initial"));
  again.down(long("initial", { version: 0, destination: CLIENT, source: SERVER, size: 40 }));
  isPlain(t, again, short(SERVER), "a negotiation is no answer");
  again.up(long("initial", { version: VERSION_2, source: hex("cccc") }));
  again.down(long("initial", { version: VERSION_2, destination: hex("cccc"), source: SERVER }));
  t.match(coalesced(again.up(short(SERVER)).subarray(HEADERS), 5), [{ version: VERSION_2, source: hex("cccc") }, {}]);

  const within = new QuicTalk(mechanismModules());
  within.up(long("initial"));
  within.down(long("initial", { version: VERSION_2, destination: CLIENT, source: SERVER }));
  isPlain(t, within, short(SERVER), "the client has not taken the other version yet");
  within.up(long("handshake", { version: VERSION_2, destination: SERVER, size: 90 }));
  t.match(coalesced(within.up(short(SERVER)).subarray(HEADERS), 5), [{ version: VERSION_2, source: CLIENT }, {}]);
});

test("no QUIC that is known", async (t) => {
  const begun = (first: Uint8Array, port = 443): QuicTalk => {
    const talk = new QuicTalk(mechanismModules(), { port });
    talk.up(first);
    talk.up(long("initial"));
    talk.down(long("initial", { destination: CLIENT, source: SERVER }));
    return talk;
  };
  isGrown(t, begun(long("initial")), short(SERVER), "known");
  isGrown(t, begun(long("initial", { greased: true })), short(SERVER, 40, true), "the fixed bit may be greased");
  isPlain(t, begun(long("initial", { size: 1199 })), short(SERVER), "a small Initial");
  isPlain(t, begun(long("handshake")), short(SERVER), "no Initial first");
  isPlain(t, begun(short(SERVER)), short(SERVER), "a flow older than we are");
  isPlain(t, begun(long("initial"), 8443), short(SERVER), "another port");
  isPlain(t, begun(long("initial", { version: 0x51303530 })), short(SERVER), "an older QUIC");
  isPlain(t, begun(long("initial", { source: new Uint8Array(21) })), short(SERVER), "an ID that is too long");
  isPlain(t, begun(new Uint8Array(0)), short(SERVER), "an empty datagram first");
  isPlain(t, begun(hex("c3 00000001 08")), short(SERVER), "a header that ends too early");
});

test("given up: two connections between the same ports, another version, another of the client's IDs", async (t) => {
  const second = ready();
  isGrown(t, second, short(SERVER), "before");
  second.up(long("initial", { source: CLIENT }));
  isGrown(t, second, short(SERVER), "an Initial that is repeated");
  second.up(long("initial", { source: hex("c0c1c2c4") }));
  isPlain(t, second, short(SERVER), "whose is it?");
  second.down(long("initial", { destination: hex("c0c1c2c4"), source: SERVER }));
  isPlain(t, second, short(SERVER), "for good");

  const strange = ready();
  strange.up(long("handshake", { version: 0xff00001d }));
  isPlain(t, strange, short(SERVER), "a version that is not known");

  const rotated = ready();
  rotated.down(short(CLIENT));
  isGrown(t, rotated, short(SERVER), "the client's first ID");
  rotated.down(short(hex("c9c9c9c9")));
  isPlain(t, rotated, short(SERVER), "the server now calls the client otherwise");
});

test("only where there is room for a packet that receivers take for one", async (t) => {
  const talk = ready();
  // 9 bytes of header, 5 and 4 of IDs, 24 sealed.
  const least = 42;
  const packet = short(SERVER, 100);
  t.same(talk.up(packet, HEADERS + 100 + least - 1), talk.frame(packet));
  const after = talk.up(packet, HEADERS + 100 + least);
  t.equal(after.length, HEADERS + 100 + least);
  t.match(coalesced(after.subarray(HEADERS), 5), [{ sealed: 24 }, { packet }]);
  t.same(talk.up(packet, 60), talk.frame(packet), "longer than the target");
  isPlain(t, talk, short(SERVER, 5), "shorter than its ID");
  isPlain(t, talk, new Uint8Array(0), "empty");
  isGrown(t, talk, short(SERVER, 6), "just its ID");
});

test("checksums: none stays none, a wrong one stays wrong", async (t) => {
  const modules = mechanismModules();
  const talk = ready(modules);
  for (const size of [40, 41]) {
    const none = talk.up(short(SERVER, size), 1514, (bytes) => {
      udp.setChecksum(over(bytes), 34, 0);
    });
    t.equal(udp.checksum(over(none), 34), 0);
    const wrong = arrive(
      modules,
      talk.up(short(SERVER, size), 1514, (bytes) => {
        bytes[60] = (bytes[60] ?? 0) ^ 1;
      }),
    );
    t.equal(wrong.wireLength, 1514);
    t.notOk(passesTracking(modules, wrong));
    leave(modules, wrong);
  }
});

test("left alone: what a capture cut, what has a surplus, a destination that does not take it", async (t) => {
  const modules = mechanismModules();
  const talk = ready(modules);
  const bytes = talk.frame(short(SERVER, 300));
  const cut = arrive(modules, bytes, { cut: 100 });
  talk.mechanism.grow(cut, 1514, modules.destinations.of(cut, modules.pool.view), micros(0));
  t.equal(cut.added, 0);
  leave(modules, cut);
  const shorter = (frame: Uint8Array): void => {
    udp.setLength(over(frame), 34, 40);
  };
  t.equal(talk.up(short(SERVER, 300), 1514, shorter).length, HEADERS + 300);
  const strange = arrive(modules, bytes);
  talk.mechanism.grow(strange, 1514, -1, micros(0));
  t.equal(strange.added, 0);
  leave(modules, strange);
  isGrown(t, talk, short(SERVER, 300), "the same otherwise");
});

test("a flow's place that is used anew begins anew", async (t) => {
  const modules = mechanismModules("1", 1);
  const talk = ready(modules);
  isGrown(t, talk, short(SERVER), "known");
  const other = new QuicTalk(modules, { sourcePort: 40001 });
  other.down(short(CLIENT));
  isPlain(t, other, short(SERVER), "the new flow");
  isPlain(t, talk, short(SERVER), "the old one is forgotten");
});
