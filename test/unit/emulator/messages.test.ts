import { test } from "tap";
import {
  A,
  AAAA,
  addressBytes,
  announcement,
  answerTo,
  query,
  readAnswer,
  readQuery,
} from "../../../src/emulator/dns.js";
import { emulateCommand } from "../../../src/emulator/emulate.js";
import { CLOUD_ADDRESSES, ENDPOINTS } from "../../../src/emulator/endpoints.js";
import { answersTime, timeAnswer, timeRequest } from "../../../src/emulator/ntp.js";
import { frameBytes, readFrames, type Frame } from "../../../src/emulator/quic-frame.js";
import { emulatedKeys, initialKeys, open, seal } from "../../../src/emulator/quic-seal.js";
import { Report } from "../../../src/emulator/report.js";

void test("dns: a question and its answer", (t) => {
  for (const [type, address] of [
    [A, "198.18.3.13"],
    [AAAA, "2001:db8:c10d:3::d"],
  ] as const) {
    const question = { id: 0xabcd, name: "voice.cloud.example", type };
    t.same(readQuery(query(question)), question);
    const message = answerTo(question, [addressBytes(address)]);
    t.same(readAnswer(message, question), { id: 0xabcd, code: 0, addresses: [addressBytes(address)] });
    t.equal(readAnswer(message, { ...question, name: "other.example" }), null, "about another name");
    t.equal(readAnswer(answerTo(question, null), question)?.code, 3, "no such name");
    for (let cut = 0; cut < message.length; cut++) readAnswer(message.subarray(0, cut), question);
    for (let cut = 0; cut < query(question).length; cut++) t.equal(readQuery(query(question).subarray(0, cut)), null);
  }
  t.equal(readQuery(query({ id: 1, name: "Voice.Cloud.EXAMPLE", type: A }))?.name, "voice.cloud.example");
  t.equal(announcement(139).length, 139);
  t.equal(announcement(381).length, 381);
  t.throws(() => addressBytes("nowhere"), { code: "internal" });
  t.end();
});

void test("ntp: an answer belongs to its request", (t) => {
  const request = timeRequest(1_700_000_000_123);
  const answer = timeAnswer(request, 1_700_000_000_456);
  t.ok(answer !== null && answersTime(request, answer));
  t.notOk(answer !== null && answersTime(timeRequest(1_700_000_000_124), answer));
  t.equal(timeAnswer(Buffer.alloc(47), 0), null);
  t.notOk(answersTime(request, request), "a request is no answer");
  t.end();
});

void test("quic: the keys of RFC 9001, appendix A.1", (t) => {
  const { key, iv, mask } = initialKeys(Buffer.from("8394c8f03e515708", "hex"), "client");
  t.equal(key.toString("hex"), "1f369613dd76d5467730efcbe3b1a22d");
  t.equal(iv.toString("hex"), "fa044b2f42a3fd3b46fb255c");
  t.equal(mask.toString("hex"), "9f50449e04a0e810283a1e9933adedd2");
  t.end();
});

void test("quic: packets open again whatever their number, and never with a changed byte", (t) => {
  const keys = emulatedKeys(Buffer.alloc(8, 7), "client", "1-rtt");
  const header = (): Buffer => Buffer.concat([Buffer.from([0x41]), Buffer.alloc(8, 3), Buffer.alloc(2)]);
  const plain = Buffer.from("hushbox hushbox hushbox");
  for (const number of [0, 1, 255, 256, 65_535, 65_536, 70_000, 1_000_000]) {
    const packet = seal(keys, header(), number, plain);
    for (const largest of [number - 1, number - 200, number + 200].filter((value) => value >= -1)) {
      t.same(open(keys, packet, 9, largest), { number, plain }, `${String(number)} after ${String(largest)}`);
    }
    for (let at = 0; at < packet.length; at++) {
      const changed = Buffer.from(packet);
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at);
      t.equal(open(keys, changed, 9, number - 1), null);
    }
    t.equal(open(keys, packet.subarray(0, 20), 9, number), null);
  }
  t.end();
});

void test("quic: frames are read as they were written", (t) => {
  const frames: Frame[] = [
    { type: "ping" },
    { type: "done" },
    { type: "close" },
    {
      type: "ack",
      ranges: [
        [100, 120],
        [90, 97],
        [0, 3],
      ],
    },
    { type: "ack", ranges: [[70_000, 70_001]] },
    { type: "stream", offset: 0, data: Buffer.from("a"), end: false },
    { type: "stream", offset: 5_000_000, data: Buffer.alloc(1300, 1), end: true },
  ];
  t.same(readFrames(Buffer.concat(frames.map(frameBytes))), frames);
  t.equal(readFrames(Buffer.from([0x1f])), null, "a frame that is never written");
  t.equal(readFrames(frameBytes(frames[6] ?? { type: "ping" }).subarray(0, 50)), null, "cut short");
  t.end();
});

void test("the cloud has as many hosts as were met, each address once", (t) => {
  t.ok(Object.keys(ENDPOINTS).length >= 15, "calibration 3.1: 13-15 in a media query, 3.5: 20 at boot");
  t.equal(new Set(CLOUD_ADDRESSES).size, 2 * Object.keys(ENDPOINTS).length);
  t.end();
});

void test("a report counts what it prints", (t) => {
  const lines: object[] = [];
  const report = new Report((line) => lines.push(line));
  const line = { transfer: 0, bytes: 10, protocol: "tls", seconds: 0.123456 } as const;
  report.ended(line, "ok");
  t.equal(new Report(() => undefined).end(), 0);
  report.ended(line, "bad", "the hashes differ");
  report.ended(line, "failed", "silence");
  t.equal(report.end(), 1);
  t.match(lines, [
    { transfer: 0, ok: true, seconds: 0.1235 },
    { ok: false, reason: "the hashes differ" },
    { ok: false, reason: "silence" },
    { transfers: 3, bad: 1, failed: 1, bytes: 30 },
  ]);
  t.end();
});

void test("wrong use is told", async (t) => {
  for (const [args, message] of [
    [[], /what to emulate/],
    [["toaster"], /unknown part toaster/],
    [["speaker", "--duration", "soon"], /--duration soon/],
    [["speaker", "--duration", "0"], /longer than 0/],
    [["speaker", "--activity", "sleep"], /unknown activity sleep/],
    [["speaker", "--mixture", "idle"], /--mixture/],
    [["speaker", "--mixture", "idle:0s"], /above 0/],
    [["speaker", "--mixture", "idle:5s", "--activity", "idle"], /exclude/],
    [["speaker", "--scale=-1"], /--scale -1/],
    [["speaker", "--colour", "red"], /colour/],
    [["speaker", "more"], /unexpected argument more/],
  ] as const) {
    await t.rejects(emulateCommand([...args]), { code: "usage", message }, args.join(" "));
  }
  await t.rejects(emulateCommand(["speaker", "--interface", "none0"]), { code: "interface-missing" });
});
