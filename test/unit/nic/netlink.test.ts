import { test } from "tap";
import { neighbourOf, portOf } from "../../../src/nic/bridge.js";
import { GuardTable } from "../../../src/nic/guard-table.js";
import type { NetlinkCalls } from "../../../src/nic/native.js";
import { refusal } from "../../../src/nic/nf-error.js";
import { getTable, tableOf, transaction } from "../../../src/nic/nf-tables.js";
import * as netlink from "../../../src/nic/netlink.js";
import { TakeOverTable } from "../../../src/nic/take-over-table.js";

/** A kernel by hand: it remembers what it was asked, and answers what a test lays out, a datagram at a time. */
class Kernel implements NetlinkCalls {
  readonly asked: Uint8Array[] = [];
  answers: Uint8Array[] = [];
  closed = 0;

  netlinkOpen(): number {
    return 7;
  }

  netlinkTalk(_fd: number, request: Uint8Array, answer: Uint8Array): number {
    if (request.length > 0) this.asked.push(request);
    const next = this.answers.shift();
    answer.set(next ?? []);
    return next?.length ?? 0;
  }

  netlinkClose(): void {
    this.closed++;
  }
}

function error(sequence: number, errno: number): Uint8Array {
  return netlink.message({ type: 2, flags: 0, sequence }, netlink.u32(-errno >>> 0), new Uint8Array(16));
}

/** Messages of a transaction as nf_tables would read them: type and sequence number. */
function read(bytes: Uint8Array): string[] {
  return netlink.messagesOf(bytes).map(({ type, sequence }) => `${type.toString(16)} ${sequence}`);
}

test("a message is its header, its parts and their attributes, each aligned", (t) => {
  const bytes = netlink.message(
    { type: 0x0102, flags: 0x0304, sequence: 5 },
    Uint8Array.of(9),
    netlink.attribute(6, netlink.text("ab")),
    netlink.nested(7, netlink.attribute(1, netlink.be32(0x01020304))),
  );
  const view = new DataView(bytes.buffer);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  t.equal(bytes.length, 16 + 4 + 8 + 12);
  t.equal(view.getUint32(0, little), bytes.length);
  const [message] = netlink.messagesOf(bytes);
  t.match(message, { type: 0x0102, sequence: 5 });
  const attributes = netlink.attributesOf(message?.body ?? new DataView(new ArrayBuffer(0)), 4);
  t.equal(netlink.readText(attributes.get(6) ?? new DataView(new ArrayBuffer(0))), "ab");
  const inner = netlink.attributesOf(attributes.get(7) ?? new DataView(new ArrayBuffer(0)), 0);
  t.equal(inner.get(1)?.getUint32(0), 0x01020304, "network byte order within");
  t.end();
});

test("what is cut off or makes no sense is left out", (t) => {
  const whole = netlink.message({ type: 1, flags: 0, sequence: 1 }, netlink.attribute(1, netlink.u32(1)));
  for (let length = 0; length < whole.length; length++)
    t.same(netlink.messagesOf(whole.subarray(0, length)), [], `${length} bytes`);
  t.same(netlink.messagesOf(new Uint8Array(64)), [], "a length of zero ends it");
  const body = new DataView(whole.buffer, 16);
  body.setUint16(0, 3, true);
  t.equal(netlink.attributesOf(body, 0).size, 0);
  t.end();
});

test("a socket gathers every datagram and tells of the first error", (t) => {
  const kernel = new Kernel();
  const socket = new netlink.NetlinkSocket(netlink.NETLINK_NETFILTER, 0, kernel);
  const part = netlink.message({ type: 0x20, flags: 0, sequence: 1 });
  kernel.answers = [netlink.join(part, part), part, netlink.join(error(1, 0), error(3, 2), error(4, 1))];
  const answer = socket.ask(getTable("hushbox"));
  t.equal(answer.messages.length, 3);
  t.match(answer, { errno: 2, sequence: 3 });
  t.equal(kernel.asked.length, 1, "it asks once and then listens");
  kernel.answers = [part, part];
  t.ok(socket.heard());
  t.notOk(socket.heard());
  socket.close();
  socket.close();
  t.equal(kernel.closed, 1);
  t.end();
});

test("a transaction is one batch; each step has its own number", (t) => {
  const ports = { inside: "in0", outside: "out0" };
  const device = [0x026862000010];
  const rules = ["a06", "a06", "a06", "a06"];
  const types = (devices: readonly number[], between: readonly number[]): string[] =>
    read(transaction(TakeOverTable.steps(ports, devices, between))).map((message) => message.replace(/ .*/, ""));
  t.same(types(device, device), ["10", "a00", "a03", "a09", "a09", "a0c", "a0c", ...rules, "11"]);
  t.same(types(device, []), ["10", "a00", "a03", "a09", "a09", "a0c", ...rules, "11"], "not between stations");
  t.same(types([], []), ["10", "a00", "a03", "a09", "a09", ...rules, "11"], "no element where there is no device");
  const guard = GuardTable.steps({ outside: "out0", devices: [1, 2] });
  t.same(read(transaction(guard)), [
    "10 0",
    "a00 1",
    "a02 2",
    "a00 3",
    "a03 4",
    "a09 5",
    "a0c 6",
    "a06 7",
    "a06 8",
    "11 0",
  ]);
  const isolated = GuardTable.steps({ inside: "in0", outside: "out0", devices: [1, 2] });
  t.equal(isolated.length, guard.length + 2, "two more rules between stations");
  t.throws(() => TakeOverTable.steps({ inside: "a", outside: "a" }, [], []), { code: "internal" });
  t.end();
});

test("a table is known again by its flags and its comment", (t) => {
  const [step] = GuardTable.steps({ outside: "out0", devices: [1] }).slice(2);
  const [message] = netlink.messagesOf(
    netlink.message({ type: 0xa00, flags: 0, sequence: 1 }, new Uint8Array(4), ...(step?.attributes ?? [])),
  );
  const facts = tableOf({ messages: message === undefined ? [] : [message], errno: 0, sequence: 0 });
  t.match(facts, { owned: false, comment: /^hushbox, onFailure: closed, \S{22}$/ });
  t.ok((facts?.comment.length ?? 0) < 128, "short enough for nft");
  const comments = [{}, { inside: "in0" }].map((more) => {
    const [, , table] = GuardTable.steps({ outside: "out0", devices: [1], ...more });
    return Buffer.concat(table?.attributes ?? []).toString("latin1");
  });
  t.not(comments[0], comments[1], "one that guards more is another");
  t.equal(tableOf({ messages: [], errno: 2, sequence: 1 }), null);
  t.end();
});

test("what the kernel refuses is said with what to do", (t) => {
  const why = (errno: number, there = false): string => {
    const { code, message } = refusal("taking over", "hushbox", { messages: [], errno, sequence: 1 }, () => there);
    return `${code}: ${message}`;
  };
  t.match(why(1), /^permission: .*CAP_NET_ADMIN/);
  t.match(why(1, true), /^take-over: .*another hushbox.*nft delete table bridge hushbox/);
  t.match(why(17), /^take-over: .*nft delete table/);
  for (const errno of [2, 95, 97]) t.match(why(errno), /^take-over: .*CONFIG_NF_TABLES_BRIDGE/);
  t.match(why(12), "take-over: taking over: the kernel answers ENOMEM");
  t.end();
});

test("ports and addresses of a bridge", (t) => {
  const body = (...parts: Uint8Array[]): DataView => {
    const bytes = netlink.join(...parts);
    return new DataView(bytes.buffer);
  };
  const head = new Uint8Array(16);
  head.set(netlink.u32(4), 4);
  const port = netlink.nested(
    18,
    netlink.attribute(4, netlink.text("bridge")),
    netlink.nested(5, netlink.attribute(4, Uint8Array.of(1))),
  );
  const name = netlink.attribute(3, netlink.text("wlan0"));
  t.match(portOf(body(head, name, netlink.attribute(10, netlink.u32(9)), port)), {
    index: 4,
    name: "wlan0",
    master: 9,
    bridged: true,
    hairpin: true,
  });
  t.match(portOf(body(head, name)), { master: 0, bridged: false, hairpin: false });

  const where = new Uint8Array(12);
  where.set(netlink.u32(4), 4);
  where.set(netlink.u16(0x80), 8);
  const address = netlink.attribute(2, Uint8Array.of(2, 0x68, 0x62, 0, 0, 0x10));
  t.same(neighbourOf(body(where, address)), { address: 0x026862000010, port: 4, own: true });
  t.equal(neighbourOf(body(where)), null);
  t.end();
});
