import { test } from "tap";
import type { MechanismModules } from "../../../../src/defense/pad/mechanism.js";
import { WATCHED } from "../../../../src/defense/pad/watched.js";
import { micros, millis, seconds, type Micros } from "../../../../src/time/micros.js";
import { ICMP, TCP, UDP } from "../../../../src/wire/protocol.js";
import { mechanismModules } from "../../../support/mechanisms.js";

const DAY = 86_400;

/** The place of an IPv4 host. */
function place({ destinations }: MechanismModules, host = 1): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, 0xc6336400 + host);
  return destinations.at4(view, 0);
}

/** One destination, to which a device sends datagrams: grown where the mechanism is allowed. */
class Talk {
  readonly modules = mechanismModules();
  readonly to = place(this.modules);
  readonly trust = this.modules.trust;
  /** Of the IP packets that it grows to. */
  bytes: number;

  constructor(bytes = 1200) {
    this.bytes = bytes;
  }

  /** Sends a datagram; true where it left grown. */
  send(at: Micros, protocol = UDP): boolean {
    const grown = this.trust.allows(this.to, WATCHED.udpSurplus, at);
    if (grown) this.trust.grew(this.to, WATCHED.udpSurplus, protocol, this.bytes, at);
    else this.trust.plain(this.to, protocol, at);
    return grown;
  }

  hear(at: Micros, protocol = UDP): void {
    this.trust.heard(this.to, protocol, at);
  }

  /** A datagram and its answer 30 ms later. */
  exchange(at: Micros): boolean {
    const grown = this.send(at);
    this.hear(micros(at + 30e3));
    return grown;
  }

  /** Two grown datagrams that are lost (one where nothing was answered yet), and a plain one that is answered. */
  miss(at: Micros): void {
    let next = at as number;
    while (this.send(micros(next))) next += 1.5e6;
    this.hear(micros(next + 30e3));
  }

  get givenUp(): number {
    return this.modules.tally.read("given_up_udpSurplus");
  }
}

test("trust: nothing speaks against a mechanism at first, and no place means no", async (t) => {
  const { trust, tally } = mechanismModules();
  t.equal(trust.allows(0, WATCHED.udpSurplus, seconds(1)), true);
  t.equal(trust.allows(-1, WATCHED.udpSurplus, seconds(1)), false);
  trust.grew(-1, WATCHED.udpSurplus, UDP, 1200, seconds(1));
  trust.plain(-1, UDP, seconds(3));
  trust.heard(-1, UDP, seconds(4));
  trust.answered(-1, WATCHED.tcpOverlap, 1500, seconds(4));
  trust.stalled(-1, WATCHED.tcpOverlap, 1500, seconds(4));
  trust.restore(-1, { mechanism: "udpSurplus", reason: "no answer", secondsLeft: 9 }, seconds(4));
  t.equal(tally.read("given_up_udpSurplus"), 0);
});

test("trust: plain datagrams answered where a grown one was not: off for a day", async (t) => {
  const talk = new Talk();
  t.equal(talk.send(seconds(10)), true, "the first is the probe");
  t.equal(talk.send(millis(10_900)), true, "within the patience of a first use nothing is held against it");
  t.equal(talk.send(millis(11_100)), false, "then one leaves plain");
  talk.hear(millis(11_130));
  t.equal(talk.givenUp, 1);
  t.same(talk.trust.refusals(talk.to, millis(11_130)), [
    { mechanism: "udpSurplus", reason: "no answer", secondsLeft: DAY },
  ]);
  t.equal(talk.send(seconds(12)), false);
  t.equal(talk.send(seconds(11 + DAY)), false);
  t.equal(talk.send(seconds(12 + DAY)), true, "a day later it is tried again");
  t.same(talk.trust.refusals(talk.to, seconds(12 + DAY)), []);
});

test("trust: what a router has said to be too big is not waited for", async (t) => {
  const talk = new Talk();
  t.equal(talk.send(seconds(10)), true);
  talk.trust.explained(talk.to, UDP, seconds(10.01));
  t.equal(talk.send(seconds(12)), true, "the next is shorter, and no trial");
  talk.hear(millis(12_030));
  t.equal(talk.givenUp, 0);
  talk.trust.grew(talk.to, WATCHED.icmpEcho, ICMP, 1200, seconds(20));
  talk.trust.explained(talk.to, UDP, seconds(21));
  t.equal(talk.trust.allows(talk.to, WATCHED.icmpEcho, seconds(22)), false, "another protocol's waits on");
  talk.trust.explained(-1, UDP, seconds(23));
});

test("trust: a length that datagrams were lost by is not tried by any mechanism for as long as a verdict holds", async (t) => {
  const talk = new Talk(1500);
  const { paths } = talk.modules;
  talk.miss(seconds(10));
  t.equal(talk.givenUp, 0);
  const found = 13.03;
  t.equal(paths.limit(talk.to, seconds(found + 700)), 1280, "longer than other limits hold");
  t.equal(paths.limit(talk.to, seconds(DAY)), 1280);
  t.equal(paths.limit(talk.to, seconds(found + DAY)), Infinity);

  const modules = mechanismModules();
  const to = place(modules);
  modules.trust.restore(to, { mechanism: "udpSurplus", reason: "no answer", secondsLeft: 3600 }, seconds(1));
  t.equal(modules.paths.limit(to, seconds(3600)), 1280, "an earlier run has found it");
  t.equal(modules.paths.limit(to, seconds(3601)), Infinity);
  modules.trust.restore(to, { mechanism: "tcpAcks", reason: "acknowledgments ignored", secondsLeft: 9 }, seconds(3700));
  t.equal(modules.paths.limit(to, seconds(3701)), Infinity, "that has nothing to do with sizes");
  modules.paths.lower(to, 1280, seconds(3702));
  modules.trust.forget();
  t.equal(modules.paths.limit(to, seconds(3703)), Infinity);
});

/** A datagram every 2 ms, each answered 30 ms later where `takes` says so. */
function stream(talk: Talk, from: number, to: number, takes: (grown: boolean) => boolean): void {
  const answers: number[] = [];
  for (let ms = from; ms < to; ms += 2) {
    while ((answers[0] ?? Infinity) <= ms) talk.hear(millis(answers.shift() ?? 0));
    if (takes(talk.send(millis(ms)))) answers.push(ms + 30);
  }
}

test("trust: a dense flow finds out too, though grown datagrams leave before the plain ones are answered", async (t) => {
  const talk = new Talk();
  stream(talk, 10_000, 14_000, (grown) => !grown);
  t.equal(talk.givenUp, 1);
  t.equal(talk.send(seconds(15)), false);
});

test("trust: a silence in a dense flow that takes padding is none of padding's", async (t) => {
  const talk = new Talk();
  for (let second = 10; second < 60; second += 5) {
    stream(talk, second * 1e3, second * 1e3 + 3_000, () => true);
    stream(talk, second * 1e3 + 3_000, second * 1e3 + 5_000, () => false);
  }
  t.equal(talk.givenUp, 0);
});

test("trust: what is last said in a conversation needs no answer", async (t) => {
  const talk = new Talk();
  for (let i = 1; i <= 20; i++) {
    t.equal(talk.exchange(seconds(10 * i)), true);
    t.equal(talk.send(millis(10_000 * i + 50)), true, "an acknowledgment");
  }
  t.equal(talk.givenUp, 0);
});

test("trust: of another mechanism, destination or protocol nothing is said", async (t) => {
  const talk = new Talk();
  talk.miss(seconds(10));
  t.equal(talk.trust.allows(talk.to, WATCHED.udpSurplus, seconds(20)), false);
  t.equal(talk.trust.allows(talk.to, WATCHED.quicPrefix, seconds(20)), true);
  t.equal(talk.trust.allows(talk.to, WATCHED.tcpOverlap, seconds(20)), true);
  t.equal(talk.trust.allows(place(talk.modules, 2), WATCHED.udpSurplus, seconds(20)), true);
  const other = new Talk();
  other.send(seconds(10));
  other.hear(seconds(11), ICMP);
  other.hear(seconds(11), TCP);
  t.equal(other.send(seconds(12)), false, "a host that answers pings and TCP has not answered the datagram");
});

test("trust: patience follows the time that answers take, from 250 ms to 2 s", async (t) => {
  const near = new Talk();
  for (let i = 1; i < 20; i++) near.exchange(seconds(i));
  near.send(seconds(100));
  t.equal(near.send(millis(100_240)), true);
  t.equal(near.send(millis(100_260)), false);
  const far = new Talk();
  for (let i = 1; i < 60; i += 2) {
    far.send(seconds(i));
    far.hear(millis(i * 1e3 + 900));
  }
  far.send(seconds(100));
  t.equal(far.send(millis(101_900)), true, "four times 0.9 s is more than the most");
  t.equal(far.send(millis(102_100)), false);
});

test("trust: what was proven needs five losses in a row; an answer between clears them", async (t) => {
  const talk = new Talk();
  talk.exchange(seconds(1));
  for (let i = 1; i <= 4; i++) talk.miss(seconds(10 * i));
  t.equal(talk.exchange(seconds(60)), true);
  for (let i = 1; i <= 4; i++) talk.miss(seconds(60 + 10 * i));
  t.equal(talk.givenUp, 0);
  talk.miss(seconds(110));
  t.equal(talk.givenUp, 1);
  t.equal(talk.send(seconds(120)), false);
});

test("trust: an hour after its last answer a destination is as good as new", async (t) => {
  const talk = new Talk();
  talk.exchange(seconds(1));
  talk.miss(seconds(3700));
  t.equal(talk.givenUp, 1);
});

test("trust: where plain packets are not answered either, padding is not at fault", async (t) => {
  const talk = new Talk();
  talk.send(seconds(10));
  t.same(
    [11.1, 11.2, 11.3, 11.4, 11.5].map((at) => talk.send(seconds(at))),
    [false, false, false, false, true],
    "four leave plain, then padding goes on",
  );
  t.equal(talk.send(seconds(13)), true);
  talk.hear(seconds(13.03));
  t.equal(talk.givenUp, 0);
});

test("trust: an answer that may be to either kind is no evidence", async (t) => {
  const talk = new Talk();
  talk.send(seconds(10));
  for (const at of [11.1, 11.11, 11.12, 11.13]) talk.send(seconds(at));
  t.equal(talk.send(seconds(11.14)), true);
  talk.hear(seconds(11.2));
  t.equal(talk.givenUp, 0);
});

test("trust: an answer that comes too soon after the plain packet is a late one to the grown packet", async (t) => {
  const talk = new Talk();
  for (let i = 0; i < 9; i++) {
    for (let j = 1; j <= 30; j++) {
      talk.send(seconds(100 * i + j));
      talk.hear(seconds(100 * i + j + 0.2));
    }
    talk.send(seconds(100 * i + 50));
    talk.send(seconds(100 * i + 50.5));
    t.equal(talk.send(seconds(100 * i + 51.1)), false);
    talk.hear(seconds(100 * i + 51.15));
  }
  t.equal(talk.givenUp, 0);
});

test("trust: a flow that is never answered does not flap", async (t) => {
  const talk = new Talk();
  let plain = 0;
  for (let at = 1e6; at < 3600e6; at += 20e3) if (!talk.send(micros(at))) plain++;
  t.ok(plain > 0 && plain <= 4 * 15, `${plain} of 180,000 packets left plain`);
  t.equal(talk.givenUp, 0);
});

test("trust: of two mechanisms in one packet the one that nothing speaks for is doubted", async (t) => {
  const { trust, tally, destinations } = mechanismModules();
  const to = place({ destinations } as MechanismModules);
  trust.grew(to, WATCHED.udpSurplus, UDP, 1200, seconds(1));
  trust.heard(to, UDP, seconds(1.03));
  for (const at of [2, 3]) {
    trust.grew(to, WATCHED.quicPrefix, UDP, 1200, seconds(at));
    trust.grew(to, WATCHED.udpSurplus, UDP, 1200, seconds(at));
  }
  trust.plain(to, UDP, seconds(4));
  trust.heard(to, UDP, seconds(4.03));
  t.equal(tally.read("given_up_quicPrefix"), 1);
  t.equal(trust.allows(to, WATCHED.quicPrefix, seconds(5)), false);
  t.equal(trust.allows(to, WATCHED.udpSurplus, seconds(5)), true);
});

test("trust: a mechanism of several protocols is watched in each", async (t) => {
  const { trust, destinations } = mechanismModules();
  const to = place({ destinations } as MechanismModules);
  trust.grew(to, WATCHED.ipv6Options, UDP, 1200, seconds(1));
  trust.heard(to, UDP, seconds(1.03));
  trust.grew(to, WATCHED.ipv6Options, TCP, 1200, seconds(1));
  t.equal(trust.allows(to, WATCHED.ipv6Options, seconds(3), TCP), false);
  t.equal(trust.allows(to, WATCHED.ipv6Options, seconds(3), UDP), true);
  trust.plain(to, TCP, seconds(3));
  trust.heard(to, TCP, seconds(3.03));
  t.equal(trust.allows(to, WATCHED.ipv6Options, seconds(4), UDP), false, "what one protocol refuses is off for all");
});

/** TCP: a padded segment is retransmitted plain, and the server answers that. */
function stall(modules: MechanismModules, to: number, at: number, bytes = 1500): void {
  modules.trust.stalled(to, WATCHED.tcpOverlap, bytes, seconds(at));
  modules.trust.heard(to, TCP, seconds(at + 0.03));
}

test("trust: TCP's first stall doubts the size, the second the mechanism", async (t) => {
  const modules = mechanismModules();
  const { trust, tally } = modules;
  const to = place(modules);
  trust.stalled(to, WATCHED.tcpOverlap, 1500, seconds(1));
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(1.01)), false, "plain until the server is heard");
  t.equal(limit(modules, to, 1.01), Infinity);
  trust.heard(to, TCP, seconds(1.03));
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(1.04)), true);
  t.equal(limit(modules, to, 1.04), 1280);
  stall(modules, to, 2, 1280);
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(3)), false);
  t.same(trust.refusals(to, seconds(3)), [
    { mechanism: "tcpOverlap", reason: "retransmitted", secondsLeft: DAY - 0.97 },
  ]);
  t.equal(tally.read("given_up_tcpOverlap"), 1);
});

function limit({ paths }: MechanismModules, to: number, at: number): number {
  return paths.limit(to, seconds(at));
}

test("trust: a small segment that was lost says nothing of the path's MTU", async (t) => {
  const modules = mechanismModules();
  const to = place(modules);
  stall(modules, to, 1, 1200);
  t.equal(limit(modules, to, 2), Infinity);
  stall(modules, to, 2, 1200);
  t.equal(modules.trust.allows(to, WATCHED.tcpOverlap, seconds(3)), false);
});

test("trust: a TCP destination that has acknowledged padded segments needs five stalls in a row", async (t) => {
  const modules = mechanismModules();
  const { trust } = modules;
  const to = place(modules);
  trust.answered(to, WATCHED.tcpOverlap, 1500, seconds(1));
  for (let i = 2; i < 6; i++) stall(modules, to, i);
  trust.answered(to, WATCHED.tcpOverlap, 1500, seconds(6));
  for (let i = 7; i < 11; i++) stall(modules, to, i);
  t.equal(limit(modules, to, 11), Infinity);
  trust.stalled(to, WATCHED.tcpOverlap, 1500, seconds(11));
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(11)), true, "others go on while one is in doubt");
  trust.heard(to, TCP, seconds(11.03));
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(12)), true, "and then it is the length that is doubted first");
  t.equal(limit(modules, to, 12), 1280);
  stall(modules, to, 12, 1280);
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(13)), false);
});

test("trust: grown datagrams that get no answer are made shorter before the mechanism is given up", async (t) => {
  const path = new Talk(1500);
  path.miss(seconds(10));
  t.equal(path.givenUp, 0);
  t.equal(limit(path.modules, path.to, 20), 1280);
  t.equal(path.modules.tally.read("paths_learned"), 1);
  path.bytes = 1280;
  t.equal(path.exchange(seconds(20)), true);
  t.equal(path.exchange(seconds(DAY)), true);
  path.bytes = 1500;
  path.miss(seconds(DAY + 20));
  t.equal(limit(path.modules, path.to, DAY + 700), 1280, "tried again when the limit was over, and found again");
  t.equal(path.givenUp, 0, "though it was proven, but at 1280 bytes only");

  const server = new Talk(1500);
  server.miss(seconds(10));
  server.bytes = 1280;
  server.miss(seconds(20));
  t.equal(server.givenUp, 1, "what is short is lost too: it is the mechanism");
});

test("trust: the other answers to plain packets prove nothing of grown ones that left meanwhile", async (t) => {
  const talk = new Talk(1500);
  t.equal(talk.send(seconds(10)), true);
  for (const at of [11.1, 11.11, 11.12, 11.13]) t.equal(talk.send(seconds(at)), false);
  talk.hear(seconds(11.14));
  talk.bytes = 1280;
  t.equal(talk.send(seconds(11.145)), true);
  for (const at of [11.15, 11.16, 11.17]) talk.hear(seconds(at));
  talk.miss(seconds(20));
  t.equal(talk.givenUp, 1);
});

test("trust: where packets as long have arrived it is not the length", async (t) => {
  const talk = new Talk(1500);
  talk.trust.answered(talk.to, WATCHED.tcpOverlap, 1500, seconds(1));
  talk.miss(seconds(10));
  t.equal(talk.givenUp, 1);
  t.equal(limit(talk.modules, talk.to, 20), Infinity);
});

test("trust: what was proven, too, is made shorter first", async (t) => {
  const talk = new Talk(1500);
  talk.exchange(seconds(1));
  for (let i = 1; i <= 5; i++) talk.miss(seconds(10 * i));
  t.equal(talk.givenUp, 0);
  t.equal(limit(talk.modules, talk.to, 60), 1280);
  talk.bytes = 1280;
  talk.miss(seconds(60));
  t.equal(talk.givenUp, 1);
});

test("trust: datagrams of which a router has said that they were too long have their answer", async (t) => {
  const talk = new Talk(1500);
  t.equal(talk.send(seconds(10)), true);
  talk.modules.paths.named(talk.to, 1400, seconds(10.01));
  talk.trust.explained(talk.to, UDP, seconds(10.01));
  talk.bytes = 1400;
  t.equal(talk.send(seconds(15)), true, "sent again, it leaves grown");
  talk.hear(seconds(15.03));
  t.equal(talk.modules.paths.takes(talk.to, 1400, seconds(15.1)), true);
  t.equal(talk.send(seconds(17)), true);
  t.equal(talk.send(seconds(20)), true, "the last word of a conversation");
  t.equal(talk.send(seconds(21)), false);
  talk.modules.paths.named(talk.to, 1300, seconds(21.05));
  talk.hear(seconds(21.1));
  t.equal(talk.givenUp, 0, "nor is it held against the mechanism where plain ones are answered");
  t.equal(limit(talk.modules, talk.to, 30), 1300);
});

test("trust: many segments lost together are one loss, and a way that is down is none", async (t) => {
  const modules = mechanismModules();
  const { trust } = modules;
  const to = place(modules);
  for (let i = 0; i < 20; i++) stall(modules, to, 1 + i / 100);
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(2)), true);
  for (let i = 0; i < 9; i++) trust.stalled(to, WATCHED.tcpOverlap, 1500, seconds(10 + i));
  trust.heard(to, TCP, seconds(40));
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(41)), true, "nothing was heard for 20 s");
});

test("trust: what was on its way while the size was in doubt does not count against what is smaller", async (t) => {
  const modules = mechanismModules();
  const to = place(modules);
  stall(modules, to, 1);
  for (let i = 2; i < 9; i++) stall(modules, to, i, 1500);
  t.equal(modules.trust.allows(to, WATCHED.tcpOverlap, seconds(9)), true);
  stall(modules, to, 9, 1280);
  t.equal(modules.trust.allows(to, WATCHED.tcpOverlap, seconds(10)), false);
});

test("trust: acknowledgments are watched apart from data, and a reason may be given", async (t) => {
  const modules = mechanismModules();
  const { trust } = modules;
  const to = place(modules);
  for (const at of [1, 2]) {
    trust.stalled(to, WATCHED.tcpAcks, 1200, seconds(at), "acknowledgments ignored");
    trust.heard(to, TCP, seconds(at + 0.03));
  }
  t.equal(trust.allows(to, WATCHED.tcpOverlap, seconds(3)), true);
  for (const at of [4, 5]) {
    trust.stalled(to, WATCHED.tcpOverlap, 1200, seconds(at), "reset");
    trust.heard(to, TCP, seconds(at + 0.03));
  }
  t.match(trust.refusals(to, seconds(6)), [
    { mechanism: "tcpOverlap", reason: "reset" },
    { mechanism: "tcpAcks", reason: "acknowledgments ignored" },
  ]);
});

test("trust: a place with a new owner begins anew", async (t) => {
  const modules = mechanismModules("1", 2);
  const { trust } = modules;
  const first = place(modules, 1);
  trust.restore(first, { mechanism: "udpSurplus", reason: "no answer", secondsLeft: DAY }, seconds(1));
  stall(modules, first, 1);
  place(modules, 2);
  t.equal(place(modules, 3), first, "the oldest made room");
  t.equal(trust.allows(first, WATCHED.udpSurplus, seconds(2)), true);
  t.same(trust.refusals(first, seconds(2)), []);
  stall(modules, first, 2);
  t.equal(trust.allows(first, WATCHED.tcpOverlap, seconds(3)), true, "its predecessor's stall does not count");
});

test("trust: verdicts are taken over with the time that is left, never above a day, and forgotten when asked", async (t) => {
  const modules = mechanismModules();
  const { trust } = modules;
  const [to, other] = [place(modules, 1), place(modules, 2)];
  trust.restore(to, { mechanism: "udpSurplus", reason: "no answer", secondsLeft: 60 }, seconds(1));
  trust.restore(other, { mechanism: "tcpAcks", reason: "acknowledgments ignored", secondsLeft: 9e9 }, seconds(1));
  t.equal(trust.allows(to, WATCHED.udpSurplus, seconds(60)), false);
  t.equal(trust.allows(to, WATCHED.udpSurplus, seconds(61)), true);
  t.match(trust.refusals(other, seconds(1)), [{ secondsLeft: DAY }]);
  t.equal(modules.tally.read("given_up_udpSurplus"), 0, "only what is new is counted");
  trust.forget();
  t.equal(trust.allows(other, WATCHED.tcpAcks, seconds(2)), true);
});
