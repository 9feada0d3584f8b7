import { test } from "tap";
import { TcpFlows, UNKNOWN } from "../../../src/flow/tcp-flows.js";
import { dissect } from "../../../src/packet/dissect.js";
import { Pool } from "../../../src/packet/pool.js";
import { DOWN, UP } from "../../../src/packet/packet.js";
import * as tcp from "../../../src/wire/tcp.js";
import { segment, synOptions, type Segment } from "../../support/tcp-segment.js";

const FLOW = 3;

/** Flows that see segments of one flow. */
class Seen {
  readonly flows = new TcpFlows(8);
  readonly #pool = new Pool(1);

  see(shape: Segment, change: (bytes: Uint8Array) => void = () => undefined, generation = 1, wire?: number): this {
    const packet = this.#pool.packet(0);
    const bytes = segment(shape);
    change(bytes);
    packet.clear();
    packet.direction = shape.up ? UP : DOWN;
    this.#pool.bytes.set(bytes, packet.at);
    packet.length = bytes.length;
    packet.wireLength = wire ?? bytes.length;
    dissect(packet, this.#pool.view);
    packet.flow = FLOW;
    this.flows.see(packet, this.#pool.view, generation);
    return this;
  }

  /** The handshake; 100 is the device's SYN, 900 the server's. */
  shake({ sack = true, mss = 1400 } = {}): this {
    this.see({ up: true, sequence: 100, flags: tcp.SYN, options: synOptions(1460) });
    this.see({
      ...{ up: false, sequence: 900, acknowledgment: 101, flags: tcp.SYN | tcp.ACK },
      options: synOptions(mss, sack),
    });
    return this.see({ up: true, sequence: 101, acknowledgment: 901 });
  }
}

const bytes = (n: number): Uint8Array => new Uint8Array(n).fill(5);

test("a handshake: what both SYNs agreed on", async (t) => {
  const { flows } = new Seen().shake();
  t.equal(flows.start(FLOW), 100);
  t.equal(flows.next(FLOW), 101);
  t.equal(flows.unacknowledged(FLOW), 101);
  t.equal(flows.received(FLOW), 901);
  t.equal(flows.mss(FLOW), 1400);
  t.ok(flows.sack(FLOW) && flows.answered(FLOW));
  t.notOk(flows.established(FLOW), "the server may still be in SYN-RECEIVED");
  t.notOk(new Seen().shake({ sack: false }).flows.sack(FLOW));
  t.equal(new Seen().flows.start(FLOW) === UNKNOWN && new Seen().flows.sack(FLOW), false);
});

test("the server is established when it acknowledges more than the SYN, or speaks", async (t) => {
  const asked = new Seen().shake().see({ up: true, sequence: 101, acknowledgment: 901, payload: bytes(50) });
  t.notOk(asked.flows.established(FLOW));
  t.ok(asked.see({ up: false, sequence: 901, acknowledgment: 151 }).flows.established(FLOW));
  t.equal(asked.flows.unacknowledged(FLOW), 151);
  const first = new Seen().shake().see({ up: false, sequence: 901, acknowledgment: 101, payload: bytes(9) });
  t.ok(first.flows.established(FLOW));
  t.equal(first.flows.downNext(FLOW), 910);
  t.notOk(new Seen().shake().see({ up: false, sequence: 901, acknowledgment: 101 }).flows.established(FLOW));
});

test("packets of an older connection say nothing of this one", async (t) => {
  const old: Segment = { up: false, sequence: 5000, acknowledgment: 77, payload: bytes(10) };
  const waiting = new Seen().see({ up: true, sequence: 100, flags: tcp.SYN });
  t.notOk(waiting.see(old).flows.established(FLOW), "before the SYN-ACK");
  t.notOk(waiting.see({ ...old, flags: tcp.SYN | tcp.ACK }).flows.answered(FLOW), "a SYN-ACK of another SYN");
  t.notOk(new Seen().shake().see(old).flows.established(FLOW), "after it");
});

test("an acknowledgment counts where the device sent what it acknowledges, and its checksum is right", async (t) => {
  const seen = new Seen().shake().see({ up: true, sequence: 101, acknowledgment: 901, payload: bytes(50) });
  seen.see({ up: false, sequence: 901, acknowledgment: 152 });
  t.equal(seen.flows.unacknowledged(FLOW), 101, "of the future");
  seen.see({ up: false, sequence: 901, acknowledgment: 151 }, (frame) => {
    frame[frame.length - 1] = 1 ^ (frame[frame.length - 1] ?? 0);
  });
  t.equal(seen.flows.unacknowledged(FLOW), 101, "damaged on its way: the device will not believe it either");
  seen.see({ up: false, sequence: 901, acknowledgment: 140 });
  t.equal(seen.flows.unacknowledged(FLOW), 140);
  seen.see({ up: false, sequence: 901, acknowledgment: 120 });
  t.equal(seen.flows.unacknowledged(FLOW), 140, "late");
  t.equal(seen.flows.previousUnacknowledged, 140);
});

test("a flow that is older than the daemon is known from its first packet", async (t) => {
  const up = new Seen().see({ up: true, sequence: 0xfffffff0, acknowledgment: 7, payload: bytes(32) });
  t.equal(up.flows.start(FLOW), UNKNOWN);
  t.equal(up.flows.next(FLOW), 16);
  t.equal(up.flows.previousNext, 0xfffffff0, "its first packet is no retransmission");
  t.equal(up.flows.mss(FLOW), UNKNOWN);
  t.equal(up.flows.largest(FLOW), 20 + 20 + 32);
  t.notOk(up.flows.established(FLOW));
  t.ok(up.see({ up: false, sequence: 7, acknowledgment: 16 }).flows.established(FLOW));
  t.equal(up.flows.unacknowledged(FLOW), 16);
  const down = new Seen().see({ up: false, sequence: 7, acknowledgment: 0 });
  t.equal(down.flows.next(FLOW), 0);
  t.equal(down.flows.unacknowledged(FLOW), 0);
  t.equal(down.see({ up: true, sequence: 10, acknowledgment: 7, payload: bytes(5) }).flows.next(FLOW), 15);
});

test("FIN counts one; a retransmission moves nothing; a new SYN begins anew", async (t) => {
  const seen = new Seen().shake().see({ up: true, sequence: 101, acknowledgment: 901, payload: bytes(50) });
  seen.see({ up: true, sequence: 151, acknowledgment: 901, flags: tcp.FIN | tcp.ACK });
  t.equal(seen.flows.next(FLOW), 152);
  seen.see({ up: true, sequence: 101, acknowledgment: 901, payload: bytes(20) });
  t.equal(seen.flows.next(FLOW), 152);
  t.equal(seen.flows.previousNext, 152);
  seen.see({ up: true, sequence: 100, flags: tcp.SYN });
  t.equal(seen.flows.next(FLOW), 152, "the same SYN");
  seen.see({ up: true, sequence: 7000, flags: tcp.SYN });
  t.equal(seen.flows.next(FLOW), 7001);
  t.notOk(seen.flows.answered(FLOW));
  seen.see({ up: true, sequence: 9, acknowledgment: 1, payload: bytes(1) }, undefined, 2);
  t.equal(seen.flows.start(FLOW), UNKNOWN, "another flow in its place");
});

test("a capture that cut packets counts what was on the wire", async (t) => {
  const seen = new Seen().shake();
  const shape: Segment = { up: true, sequence: 101, acknowledgment: 901, payload: bytes(6) };
  seen.see(
    shape,
    (frame) => {
      new DataView(frame.buffer).setUint16(16, 20 + 20 + 1000);
    },
    1,
    14 + 1040,
  );
  t.equal(seen.flows.next(FLOW), 1101);
  t.equal(seen.flows.largest(FLOW), 1040);
});
