import { test } from "tap";
import * as quic from "../../../src/wire/quic.js";
import { hex, over } from "../../support/frame.js";

// RFC 9001, appendix A.2, and RFC 9369, appendix A.2: clients' Initials, protected, without their rest.
const ONE = over(hex("c0 00000001 08 8394c8f03e515708 00 00 449e"));
const TWO = over(hex("d7 6b3343cf 08 8394c8f03e515708 00 00 449e"));
// RFC 9001, appendix A.4, and RFC 9369, appendix A.4: Retry.
const RETRY_1 = over(hex("ff 00000001 00 08 f067a5502a4262b5 746f6b656e"));
const RETRY_2 = over(hex("cf 6b3343cf 00 08 f067a5502a4262b5 746f6b656e"));

test("quic: long headers of the RFCs", async (t) => {
  for (const view of [ONE, TWO]) {
    t.ok(quic.isLong(view, 0) && quic.longFits(view, 0, view.byteLength));
    t.ok(quic.isKnown(quic.version(view, 0)));
    t.equal(quic.type(view, 0), quic.INITIAL);
    t.same([quic.destinationLength(view, 0), quic.destination(0)], [8, 6]);
    t.same([quic.sourceLength(view, 0), quic.source(view, 0)], [0, 15]);
  }
  for (const view of [RETRY_1, RETRY_2]) {
    t.equal(quic.type(view, 0), quic.RETRY);
    t.same([quic.sourceLength(view, 0), quic.source(view, 0)], [8, 7]);
  }
});

test("quic: first bytes, written and read", async (t) => {
  t.equal(quic.firstByte(quic.VERSION_1, quic.ZERO_RTT, 0xabc), 0xdc);
  t.equal(quic.firstByte(quic.VERSION_2, quic.ZERO_RTT, 0), 0xe0);
  for (const version of [quic.VERSION_1, quic.VERSION_2]) {
    for (const type of [quic.INITIAL, quic.ZERO_RTT, quic.HANDSHAKE, quic.RETRY]) {
      const view = new DataView(new ArrayBuffer(5));
      view.setUint8(0, quic.firstByte(version, type, 5));
      view.setUint32(1, version);
      t.equal(quic.type(view, 0), type);
    }
  }
  t.notOk(quic.isKnown(0), "a negotiation");
  t.notOk(quic.isKnown(0xff00001d), "a draft");
});

test("quic: what is no long header, or ends too early", async (t) => {
  t.notOk(quic.longFits(over(hex("4000000001000000000000")), 0, 11), "short");
  for (let end = 0; end < 15; end++) t.notOk(quic.longFits(ONE, 0, end), `cut at ${end}`);
  t.ok(quic.longFits(ONE, 0, 15));
  for (let end = 0; end < 15; end++) t.notOk(quic.longFits(RETRY_1, 0, end), `cut at ${end}`);
  t.notOk(quic.longFits(over(hex(`c0 00000001 15 ${"00".repeat(30)}`)), 0, 36), "an ID of 21 bytes");
  t.notOk(quic.longFits(over(hex(`c0 00000001 00 15 ${"00".repeat(30)}`)), 0, 37));
});
