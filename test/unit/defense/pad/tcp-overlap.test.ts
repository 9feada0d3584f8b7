import { test } from "tap";
import type { PadOptions } from "../../../../src/defense/options.js";
import type { Refusal } from "../../../../src/defense/pad/verdicts.js";
import type { TallyName } from "../../../../src/defense/tally.js";
import { micros } from "../../../../src/time/micros.js";
import { add } from "../../../../src/wire/sequence.js";
import * as tcp from "../../../../src/wire/tcp.js";
import { over } from "../../../support/frame.js";
import { TcpBox } from "../../../support/tcp-box.js";
import {
  sackOptions,
  segment,
  stampOptions,
  synOptions,
  type Read,
  type Segment,
} from "../../../support/tcp-segment.js";

const FULL = 1514;
const text = (length: number, from = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (from + i) % 251);

/** A flow through the box; 100 is the device's SYN, 900 the server's. */
class Flow {
  readonly box: TcpBox;
  readonly six: boolean;
  readonly port: number;

  constructor(options: Partial<PadOptions> = {}, six = false, box = new TcpBox(options), port = 40_000) {
    this.box = box;
    this.six = six;
    this.port = port;
  }

  up(sequence: number, more: Partial<Segment> = {}): Read {
    const out = this.box.send({ up: true, sequence, acknowledgment: 901, six: this.six, port: this.port, ...more });
    if (out === null) throw new Error("swallowed on its way up");
    if (!out.valid) throw new Error("a checksum or length is wrong");
    return out;
  }

  down(acknowledgment: number, more: Partial<Segment> = {}): Read | null {
    const out = this.box.send({ up: false, sequence: 901, acknowledgment, six: this.six, port: this.port, ...more });
    if (out?.valid === false) throw new Error("a checksum or length is wrong");
    return out;
  }

  /** The handshake. */
  shake({ sack = true, mss = 1460, window = 500 } = {}): this {
    const syn = this.up(100, { flags: tcp.SYN, options: synOptions(1460, sack) });
    if (syn.length >= 100) throw new Error("a SYN was padded");
    this.down(101, { sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(mss, sack), window });
    if (this.up(101).length >= 100) throw new Error("the third acknowledgment was padded");
    return this;
  }

  /** A request of 50 bytes, and its acknowledgment. */
  established(more: { sack?: boolean; mss?: number } = {}): this {
    this.shake(more);
    this.up(101, { payload: text(50) });
    this.down(151);
    return this;
  }

  count(name: TallyName): number {
    return this.box.modules.tally.read(name);
  }

  /** The server's place. */
  place(): number {
    return this.box.modules.destinations.named(this.six ? "2001:db8:1::2" : "198.51.100.7");
  }

  /** What the server does not take, and how long the packets may be that go there. */
  refusals(): Refusal[] {
    return this.box.modules.trust.refusals(this.place(), micros(this.box.now));
  }

  limit(): number {
    return this.box.modules.paths.limit(this.place(), micros(this.box.now));
  }
}

for (const six of [false, true]) {
  test(`data, FIN and acknowledgments leave at one size, IPv${six ? 6 : 4}`, async (t) => {
    const flow = new Flow({}, six).established();
    const room = (six ? 1440 : 1460) - 7;
    const data = flow.up(151, { payload: text(7, 50) });
    t.equal(data.length, FULL);
    t.equal(data.sequence, add(151, -room));
    t.same(data.payload.subarray(room), text(7, 50), "the end is what the device sent");
    t.same(data.payload.subarray(room - 50, room), text(50), "before it stands what it had sent");
    flow.down(158);
    const ack = flow.up(158);
    t.equal(ack.length, FULL);
    t.equal(add(ack.sequence, ack.payload.length), 158, "nothing new");
    const fin = flow.up(158, { flags: tcp.FIN | tcp.ACK });
    t.equal(fin.length, FULL);
    t.equal(add(fin.sequence, fin.payload.length), 158);
    t.same([fin.flags, fin.acknowledgment, fin.window], [tcp.FIN | tcp.ACK, 901, 500]);
    flow.down(158, { payload: text(20) });
    const behind = flow.up(159, { acknowledgment: 921 });
    t.equal(behind.length, FULL, "behind a FIN that the server may not have");
    t.same([behind.flags, behind.acknowledgment], [tcp.FIN | tcp.ACK, 921], "the FIN stands at its place");
    t.equal(add(behind.sequence, behind.payload.length), 158);
    t.same(behind.payload.subarray(-57), Uint8Array.from([...text(50), ...text(7, 50)]));
    flow.down(159, { sequence: 921, flags: tcp.FIN | tcp.ACK });
    t.equal(flow.up(159, { acknowledgment: 922 }).length, FULL, "the last acknowledgment, behind the FIN");
  });
}

test("what the server may not have is repeated byte by byte; filler stands below what it has", async (t) => {
  const flow = new Flow().established();
  flow.up(151, { payload: text(1000, 50) });
  const next = flow.up(1151, { payload: text(10) });
  t.equal(next.sequence, add(1161, -1460));
  t.same(next.payload.subarray(-1060), Uint8Array.from([...text(50), ...text(1000, 50), ...text(10)]));
  // A gap: the segment at 1161 was lost before the box.
  const behind = flow.up(1500, { payload: text(10) });
  t.equal(behind.length, 14 + 40 + 10, "what is missing cannot be repeated");
  flow.down(1510);
  t.equal(flow.up(1510, { payload: text(10) }).length, FULL);
});

test("without filler it is what the flow has sent, and no more", async (t) => {
  const flow = new Flow({ tcpFiller: false }).established();
  const data = flow.up(151, { payload: text(7) });
  t.equal(data.sequence, 101);
  t.same(data.payload, Uint8Array.from([...text(50), ...text(7)]));
});

test("the first data is padded where the handshake was the plain one", async (t) => {
  const first = (flow: Flow): number => flow.up(101, { payload: text(50) }).length;
  t.equal(first(new Flow().shake()), FULL);
  t.equal(first(new Flow({ tcpFiller: false }).shake()), 104);
  t.equal(first(new Flow().shake({ sack: false })), 104, "a SYN cookie without timestamps forgets SACK");
  t.equal(first(new Flow().shake({ window: 0 })), 104, "a SYN proxy");
  const again = new Flow();
  again.up(100, { flags: tcp.SYN, options: synOptions(1460) });
  t.equal(first(again.shake()), 104, "the SYN was sent twice");
  const bare = new Flow();
  bare.up(100, { flags: tcp.SYN, options: synOptions(1460) });
  bare.down(101, { sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(1460) });
  t.equal(first(bare), 104, "it ends the handshake itself");
  const open = new Flow();
  open.up(100, { flags: tcp.SYN, options: synOptions(1460), payload: text(20) });
  open.down(101, { sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(1460) });
  open.up(101);
  t.equal(first(open), 104, "TCP Fast Open");
});

test("a reset that early filler has earned is swallowed, once for each segment, and never risked again", async (t) => {
  const flow = new Flow().shake();
  flow.up(101, { payload: text(50) });
  t.equal(flow.down(0, { flags: tcp.RST, sequence: 901 }), null);
  t.equal(flow.count("resets_swallowed"), 1);
  t.equal(flow.count("given_up_tcpFiller"), 1);
  t.equal(flow.up(101, { payload: text(50) }).length, 104, "sent again as it is");
  t.not(flow.down(0, { flags: tcp.RST, sequence: 901 }), null, "the next one is meant");
  const other = new Flow({}, false, flow.box);
  const port = { port: 40_001 };
  other.up(100, { ...port, flags: tcp.SYN, options: synOptions(1460) });
  other.down(101, { ...port, sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(1460) });
  other.up(101, port);
  t.equal(other.up(101, { ...port, payload: text(50) }).length, 104);
});

test("what follows an early segment is reset too, until the first byte has left again", async (t) => {
  const flow = new Flow().shake();
  const reset = (): Read | null => flow.down(0, { flags: tcp.RST, sequence: 901 });
  for (const at of [101, 102]) t.equal(flow.up(at, { payload: text(1, at) }).length, FULL);
  t.equal(reset(), null);
  t.equal(flow.up(103, { payload: text(1) }).length, 55, "new data, as it is");
  t.equal(reset(), null, "the second");
  t.equal(reset(), null, "what was as it is does not fit the cookie either");
  t.equal(flow.up(101, { payload: text(1, 101) }).length, 55);
  t.not(reset(), null);
  t.equal(flow.count("resets_swallowed"), 3);
});

test("a segment that overtook the handshake's end: its reset may come when the connection is there", async (t) => {
  const flow = (): Flow => {
    const made = new Flow().shake();
    made.up(101, { payload: text(1) });
    made.up(101, { payload: text(1) });
    made.down(102);
    return made;
  };
  const reset = (made: Flow, flags = tcp.RST): Read | null => made.down(102, { flags, sequence: 901 });
  const late = flow();
  t.equal(reset(late), null);
  t.not(reset(late), null, "one for each");
  t.not(reset(flow(), tcp.RST | tcp.ACK), null, "from a server that knows the connection");
  const later = flow();
  later.box.now += 2e6;
  t.not(reset(later), null, "too late for that");
});

test("other resets pass", async (t) => {
  const reset = (flow: Flow, more: Partial<Segment> = {}, ack = 0): boolean =>
    flow.down(ack, { flags: tcp.RST, sequence: 901, ...more }) !== null;
  const asked = (): Flow => {
    const flow = new Flow().shake();
    flow.up(101, { payload: text(50) });
    return flow;
  };
  t.ok(reset(new Flow().shake()), "nothing was padded");
  t.ok(reset(asked(), { flags: tcp.RST | tcp.ACK }, 151), "it has heard the data");
  t.ok(reset(asked(), { sequence: 950 }), "not the number that a server without memory has");
  const answered = asked();
  answered.down(151);
  t.ok(reset(answered), "after an answer");
  t.ok(reset(new Flow().established()));
});

test("never above what the server takes: its maximum counts options", async (t) => {
  const flow = new Flow().established({ mss: 600 });
  t.equal(flow.up(151, { payload: text(7) }).length, 14 + 40 + 600);
  const stamped = flow.up(158, { payload: text(7), options: stampOptions(1, 1) });
  t.equal(stamped.length, 14 + 40 + 600);
  t.equal(stamped.payload.length, 588);
});

test("of a flow that is older than the daemon, never above the largest that it has sent", async (t) => {
  const flow = new Flow();
  t.equal(flow.up(5000, { payload: text(300) }).length, 354);
  flow.down(5300);
  t.equal(flow.up(5300, { payload: text(20) }).length, 354);
  t.equal(flow.up(5320).length, 54, "acknowledgments: whether both know SACK was not seen");
  flow.down(5320, dsack(5030, 5300));
  t.equal(flow.up(5320).length, 354, "the report of what was repeated shows that they do");
});

test("retransmissions and window probes stay as they are", async (t) => {
  const flow = new Flow().established();
  flow.up(151, { payload: text(100) });
  t.equal(flow.up(151, { payload: text(100) }).length, 154);
  t.equal(flow.up(151, { payload: text(60) }).length, 114, "a part of it");
  flow.down(251, { window: 0 });
  t.equal(flow.up(250).length, 54, "a probe of a window of nothing");
  t.equal(flow.up(250, { payload: text(1) }).length, 55, "a keep-alive of old, with a byte");
  t.equal(flow.up(251).length, FULL);
});

test("a keep-alive asks with all that was said, its answer passes; asked again, it goes as it is", async (t) => {
  const flow = new Flow().established();
  flow.up(151);
  const asked = flow.up(150);
  t.equal(asked.length, FULL);
  t.equal(add(asked.sequence, asked.payload.length), 151, "nothing new");
  const answer = flow.down(151, dsack(asked.sequence, 151));
  t.not(answer, null, "though an answer to an acknowledgment was still owed");
  t.same(answer?.sack, []);
  t.equal(flow.up(150).length, FULL);
  t.equal(flow.up(150).length, 54, "without an answer");
  flow.down(151);
  t.equal(flow.up(150).length, FULL);
  t.equal(new Flow().established({ sack: false }).up(150).length, 54, "where the answer could not be told");
});

test("acknowledgments only with SACK, and only before what comes next", async (t) => {
  t.equal(new Flow().established({ sack: false }).up(151).length, 54);
  t.equal(new Flow({ tcpAcks: false }).established().up(151).length, 54);
  t.equal(new Flow().established({ sack: false }).up(151, { payload: text(5) }).length, FULL, "data needs no SACK");
  const flow = new Flow().shake();
  t.equal(flow.up(101).length, 54, "the third acknowledgment again");
  flow.down(101, { payload: text(20) });
  t.equal(flow.up(101, { acknowledgment: 921 }).length, FULL, "the server has spoken first");
});

test("urgent data stays where it is; what cannot be said is not", async (t) => {
  const flow = new Flow().established();
  const urgent = flow.up(151, { payload: text(60), flags: tcp.ACK | tcp.URG, urgent: 5 });
  t.equal(urgent.urgent, 5 + 1400);
  t.equal(flow.up(211, { payload: text(60), flags: tcp.ACK | tcp.URG, urgent: 65_000 }).length, 114);
});

test("signed segments, and those of another stream's map, are left alone", async (t) => {
  const flow = new Flow().established();
  const option = (kind: number): Uint8Array => Uint8Array.of(kind, 4, 0, 0);
  let at = 151;
  for (const kind of [19, 29, 30]) {
    t.equal(flow.up(at, { payload: text(10), options: option(kind) }).length, 68, `option ${kind}`);
    at += 10;
  }
  t.equal(flow.up(at, { payload: text(10), options: option(254) }).length, FULL, "another option says nothing of it");
});

test("what is damaged is neither made right nor repeated", async (t) => {
  const flow = new Flow().established();
  const damaged = segment({ up: true, sequence: 151, acknowledgment: 901, payload: text(200) });
  damaged[150] = 0xff ^ (damaged[150] ?? 0);
  t.same(flow.box.pass(damaged, true), damaged);
  const again = flow.up(151, { payload: text(200) });
  t.same(again.payload, text(200));
  const next = flow.up(351, { payload: text(10) });
  t.same(next.payload.subarray(-210), Uint8Array.from([...text(200), ...text(10)]));
});

test("a capture that cut packets: lengths and numbers as if they were whole", async (t) => {
  const flow = new Flow().established();
  const whole = segment({ up: true, sequence: 151, acknowledgment: 901, payload: text(700) });
  const cut = flow.box.pass(whole.subarray(0, 96), true, whole.length);
  const view = over(cut ?? new Uint8Array());
  t.equal(cut?.length, 96);
  t.equal(view.getUint16(16), 1500);
  t.equal(tcp.sequence(view, 34), add(151, -760));
});

/* ---- what comes back ---- */

const dsack = (from: number, to: number): Partial<Segment> => ({ options: sackOptions([from >>> 0, to >>> 0]) });

test("a report of what padding repeated never reaches the device", async (t) => {
  const flow = new Flow().established();
  const data = flow.up(151, { payload: text(10) });
  const answer = flow.down(161, dsack(data.sequence, 151));
  t.same(answer?.sack, [], "the acknowledgment passes, the report does not");
  const late = flow.up(161, { payload: text(10) });
  const behind = flow.down(161, { options: sackOptions([late.sequence, 161], [300, 400], [500, 600]) });
  t.same(behind?.sack, [
    [300, 400],
    [500, 600],
  ]);
  const inside = flow.down(161, { options: sackOptions([320, 340], [300, 400]) });
  t.same(inside?.sack, [[300, 400]], "of what is not acknowledged yet");
  const plain = flow.down(161, { options: sackOptions([300, 400], [500, 600]) });
  t.equal(plain?.sack.length, 2, "true blocks pass");
  const speaking = flow.down(171, { ...dsack(late.sequence, 161), payload: text(9) });
  t.same(speaking?.sack, []);
  t.same(speaking?.payload, text(9));
  t.equal(flow.count("dsacks_stripped"), 4);
  t.equal(flow.count("acks_swallowed"), 0);
});

test("an acknowledgment that says nothing but that is swallowed, once for each that was padded", async (t) => {
  const flow = new Flow().established();
  const ack = flow.up(151);
  const again = (more: Partial<Segment> = {}): Read | null => flow.down(151, { ...dsack(ack.sequence, 151), ...more });
  t.equal(again(), null);
  t.not(again(), null, "nothing more is owed");
  flow.up(151);
  t.not(again({ window: 400 }), null, "a window update");
  flow.up(151);
  t.not(again({ window: 400, payload: text(5) }), null, "payload");
  flow.up(151);
  t.not(again({ window: 400, flags: tcp.ACK | tcp.ECE }), null, "congestion");
  flow.up(151);
  t.not(flow.down(151, { window: 400 }), null, "what carries no report: a keep-alive's answer");
  flow.down(151, { window: 0 });
  t.not(again({ window: 0 }), null, "a window of nothing: perhaps a probe's answer");
  t.equal(flow.count("acks_swallowed"), 1);
});

test("a report that the device has earned passes, once", async (t) => {
  const flow = new Flow().established();
  flow.up(151, { payload: text(100) });
  flow.up(151, { payload: text(100) });
  t.same(flow.down(251, dsack(151, 251))?.sack, [[151, 251]]);
  t.same(flow.down(251, dsack(151, 251))?.sack, [], "twice");
  flow.up(151, { payload: text(50) });
  t.same(flow.down(251, dsack(151, 251))?.sack, [[151, 201]], "narrowed to what was sent again");
});

test("a server that does not read acknowledgments in padded segments is told plainly, and not padded to again", async (t) => {
  const flow = new Flow().established();
  const served = { payload: text(500), options: stampOptions(50, 9) };
  flow.down(151, served);
  const ack = flow.up(151, { acknowledgment: 1401, options: stampOptions(10, 50) });
  t.equal(ack.length, FULL);
  // It says that it had all that before, and goes by its own clock.
  const report = sackOptions([ack.sequence, 151]);
  flow.down(151, { sequence: 1401, options: Uint8Array.from([...stampOptions(55, 9), ...report]) });
  flow.down(151, { ...served, options: stampOptions(60, 9) });
  t.equal(flow.up(151, { acknowledgment: 1401, options: stampOptions(20, 60) }).length, 66);
  t.equal(flow.up(151, { acknowledgment: 1401, options: stampOptions(20, 60) }).length, 66);
  t.equal(flow.count("given_up_tcpAcks"), 1);
  t.match(flow.refusals(), [{ mechanism: "tcpAcks", reason: "acknowledgments ignored" }]);
  t.equal(flow.up(151, { payload: text(5), options: stampOptions(20, 60) }).length, FULL, "data is another matter");
});

test("where it reports none of them, one may have been lost: the flow goes on plainly, and a second one ends it", async (t) => {
  const box = new TcpBox();
  for (const port of [40_000, 40_001]) {
    const flow = new Flow({}, false, box, port).established();
    const served = { payload: text(500), options: stampOptions(50, 9) };
    flow.down(151, served);
    t.equal(flow.up(151, { acknowledgment: 1401, options: stampOptions(10, 50) }).length, FULL);
    flow.down(151, { ...served, options: stampOptions(60, 9) });
    for (let i = 0; i < 3; i++)
      t.equal(flow.up(151, { acknowledgment: 1401, options: stampOptions(20, 60) }).length, 66);
    t.equal(flow.count("given_up_tcpAcks"), port - 40_000);
    box.now += 1e6;
  }
  const flow = new Flow({}, false, box);
  t.match(flow.refusals(), [{ mechanism: "tcpAcks", reason: "no answer" }]);
  t.equal(flow.limit(), Infinity, "segments as long have arrived");
});

test("what seems not to read padded acknowledgments once is tried again half a minute later", async (t) => {
  const flow = new Flow().established();
  const served = { payload: text(500), options: stampOptions(50, 9) };
  flow.down(151, served);
  t.equal(flow.up(151, { acknowledgment: 1401, options: stampOptions(10, 50) }).length, FULL);
  flow.down(151, { ...served, options: stampOptions(60, 9) });
  const ack = (): number => flow.up(151, { acknowledgment: 1401, options: stampOptions(20, 60) }).length;
  t.equal(ack(), 66);
  flow.box.now += 29e6;
  t.equal(ack(), 66);
  flow.box.now += 1e6;
  t.equal(ack(), 66, "the one that was to be plain in any case");
  t.equal(ack(), FULL);
  t.same(flow.refusals(), []);
});

for (const six of [false, true]) {
  test(`acknowledgments too long for a path that says nothing: shorter ones are tried first, IPv${six ? 6 : 4}`, async (t) => {
    const flow = new Flow({}, six).shake();
    const header = six ? 20 : 0;
    const ack = (acknowledgment: number): number => flow.up(101, { acknowledgment }).length;
    flow.down(101, { payload: text(500) });
    t.equal(ack(1401), FULL);
    flow.down(101, { payload: text(500) });
    t.equal(ack(1401), 54 + header, "one goes plain");
    const next = { sequence: 1401, payload: text(100) };
    flow.down(101, next);
    t.equal(ack(1501), 1294, "the next is no longer than every path takes");
    t.equal(flow.limit(), 1280);
    t.same([flow.count("given_up_tcpAcks"), flow.count("paths_learned")], [0, 1]);
    flow.box.now += 1e6;
    flow.down(101, next);
    t.same([ack(1501), ack(1501)], [54 + header, 54 + header], "that is lost too");
    t.match(flow.refusals(), [{ mechanism: "tcpAcks", reason: "no answer" }]);
  });
}

test("a limit that was learned meanwhile explains acknowledgments that were lost", async (t) => {
  const flow = new Flow().shake();
  flow.down(101, { payload: text(500) });
  const ack = (): number => flow.up(101, { acknowledgment: 1401 }).length;
  t.equal(ack(), FULL);
  const { paths } = flow.box.modules;
  paths.named(flow.place(), 1400, micros(flow.box.now));
  for (let i = 0; i < 3; i++) flow.down(101, { payload: text(500) });
  t.same([ack(), ack()], [54, 1414]);
  t.same(flow.refusals(), []);
});

test("that padded acknowledgments arrive says nothing of data", async (t) => {
  const flow = new Flow().shake();
  flow.down(101, { payload: text(500) });
  const reported = (sequence: number): void => {
    const ack = flow.up(sequence, { acknowledgment: 1401 });
    t.equal(ack.length, FULL);
    flow.down(sequence, { sequence: 1401, options: sackOptions([ack.sequence, sequence]) });
  };
  reported(101);
  t.equal(flow.up(101, { payload: text(50) }).length, FULL);
  t.equal(flow.up(101, { payload: text(50) }).length, 104);
  flow.down(151, { sequence: 1401 });
  t.equal(flow.up(151, { payload: text(50) }).length, 104, "the flow goes on unpadded");
  t.equal(flow.limit(), Infinity, "but it is not the length");
});

test("a flow in which padded data was lost is padded again once its path is known to take less", async (t) => {
  const flow = new Flow().shake();
  t.equal(flow.up(101, { payload: text(50) }).length, FULL);
  t.equal(flow.up(101, { payload: text(50) }).length, 104, "sent again");
  flow.down(151);
  t.equal(flow.limit(), 1280);
  flow.down(151, { payload: text(10) });
  t.equal(flow.up(151, { payload: text(50) }).length, 1294);
  t.equal(flow.up(151, { payload: text(50) }).length, 104, "lost again");
  flow.down(201);
  flow.down(201, { payload: text(10) });
  t.equal(flow.up(201, { payload: text(50) }).length, 104);
});

test("one that echoes their times gets the next one plain; padding them ends when it happens again", async (t) => {
  const flow = new Flow().established();
  flow.up(151, { payload: text(1), options: stampOptions(10, 40) });
  flow.down(152, { payload: text(500), options: stampOptions(50, 10) });
  flow.up(152, { acknowledgment: 1401, options: stampOptions(20, 50) });
  const served = { sequence: 1401, payload: text(100), options: stampOptions(60, 20) };
  const ack = (): number => flow.up(152, { acknowledgment: 1501, options: stampOptions(30, 60) }).length;
  flow.down(152, served);
  t.equal(ack(), FULL);
  flow.down(152, served);
  t.same([ack(), ack()], [66, FULL]);
  t.equal(flow.count("given_up_tcpAcks"), 0, "it may have been lost");
  flow.down(152, { ...served, sequence: 1501 });
  t.equal(flow.up(152, { acknowledgment: 1601, options: stampOptions(40, 60) }).length, FULL);
  flow.box.now += 300e3;
  flow.down(152, { ...served, sequence: 1501 });
  t.equal(flow.count("given_up_tcpAcks"), 1);
});

test("one that stays silent for long has heard them; a loss then costs one, on any flow", async (t) => {
  const flow = new Flow().established();
  flow.down(151, { payload: text(500) });
  t.equal(flow.up(151, { acknowledgment: 1401 }).length, FULL);
  flow.box.now += 4e6;
  flow.down(151, { sequence: 1401, payload: text(100) });
  for (const port of [40_000, 40_001]) {
    if (port !== 40_000) {
      flow.up(100, { port, flags: tcp.SYN, options: synOptions(1460) });
      flow.down(101, { port, sequence: 900, flags: tcp.SYN | tcp.ACK, options: synOptions(1460) });
      flow.up(101, { port });
    }
    const next = port === 40_000 ? 151 : 101;
    const served = { port, sequence: 1401, payload: text(100) };
    flow.down(next, served);
    t.equal(flow.up(next, { port, acknowledgment: 1501 }).length, FULL);
    flow.down(next, served);
    t.equal(flow.up(next, { port, acknowledgment: 1501 }).length, 54);
    t.equal(flow.up(next, { port, acknowledgment: 1501 }).length, FULL);
  }
  t.equal(flow.count("given_up_tcpAcks"), 0);
});

test("a probe of the server is answered plainly: its window may hang on it", async (t) => {
  const flow = new Flow().established();
  flow.down(151, { payload: text(500) });
  flow.up(151, { acknowledgment: 1401, window: 0 });
  t.equal(flow.up(151, { acknowledgment: 1401 }).length, FULL, "a window update");
  flow.down(151, { sequence: 1400 });
  t.equal(flow.up(151, { acknowledgment: 1401 }).length, 54);
});

test("a padded segment that had to be sent again: the flow goes on unpadded until one is known to arrive", async (t) => {
  const flow = new Flow().shake();
  flow.up(101, { payload: text(50) });
  t.equal(flow.up(101, { payload: text(50) }).length, 104);
  flow.down(151);
  t.equal(flow.up(151, { payload: text(50) }).length, 104);
  const known = new Flow().established();
  t.equal(known.up(151, { payload: text(50) }).length, FULL);
  t.equal(known.up(151, { payload: text(50) }).length, 104);
  t.equal(known.up(201, { payload: text(50) }).length, FULL, "one loss where others arrived");
  known.box.now += 1e6;
  t.equal(known.up(201, { payload: text(50) }).length, 104);
  t.equal(known.up(251, { payload: text(50) }).length, 104, "another");
  known.down(251);
  t.equal(known.up(301, { payload: text(50) }).length, 104, "something is still on its way");
  known.down(351);
  t.equal(known.up(351, { payload: text(50) }).length, FULL, "all has arrived");
});

test("a padded segment that a router found too big is sent again, and the flow goes on padded to what the path takes", async (t) => {
  const flow = new Flow().shake();
  t.equal(flow.up(101, { payload: text(1460) }).length, FULL);
  t.equal(flow.up(1561, { payload: text(300, 1460) }).length, FULL);
  const { destinations, paths } = flow.box.modules;
  paths.lower(destinations.known(over(segment({ up: true, sequence: 0 })), 30, 4), 1400, micros(flow.box.now));
  flow.up(101, { payload: text(1360) });
  t.equal(flow.up(1461, { payload: text(400, 1360) }).length, 454, "as it is");
  flow.down(1861);
  t.equal(flow.up(1861, { payload: text(50) }).length, 1414);
  t.equal(flow.up(1911).length, 1414);
});

test("a RST grows behind its header and keeps its number", async (t) => {
  const flow = new Flow().established();
  const reset = flow.up(151, { flags: tcp.RST });
  t.equal(reset.length, FULL);
  t.equal(reset.sequence, 151);
  t.ok(reset.payload.every((byte) => byte === 0));
  t.equal(new Flow({ tcpReset: false }).established().up(151, { flags: tcp.RST }).length, 54);
  t.equal(new Flow().up(151, { flags: tcp.RST }).length, 54, "of a flow that is not known");
});

test("a flow that comes back after its place was given away goes on", async (t) => {
  const box = new TcpBox();
  const flow = new Flow({}, false, box).established();
  for (let port = 1000; port < 1063; port++) box.send({ up: true, sequence: 1, port, flags: tcp.SYN });
  t.equal(flow.up(151, { payload: text(10) }).length, FULL, "63 others leave it its place");
  for (let port = 2000; port < 2100; port++) box.send({ up: true, sequence: 1, port, flags: tcp.SYN });
  const back = flow.up(161, { payload: text(10) });
  t.same(back.payload.subarray(-10), text(10));
  t.equal(back.length, 64, "known from here on");
});
