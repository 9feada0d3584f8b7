import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, createServer as createTlsServer } from "node:tls";
import { test } from "tap";
import { selfSigned } from "../../src/emulator/certificate.js";
import { missingPackages } from "../../src/emulator/command.js";
import { answer, speak, type Outcome, type Transfer } from "../../src/emulator/exchange.js";
import { Inbox } from "../../src/emulator/inbox.js";
import { quicConnect } from "../../src/emulator/quic-client.js";
import type { QuicConnection } from "../../src/emulator/quic-connection.js";
import { changed, reasons } from "../../src/emulator/report.js";
import { QuicServer } from "../../src/emulator/quic-server.js";
import { micros, millis } from "../../src/time/micros.js";
import { mechanismModules } from "../support/mechanisms.js";
import { QuicTalk } from "../support/quic.js";

const LOOPBACK = "127.0.0.1";

function transfer(number: number, up: number, down: number): Transfer {
  const pace = (bytes: number) => [{ bytes, span: millis(20), chunk: 1000 }];
  return { number, up: pace(up), down: pace(down), wait: micros(0) };
}

/** Answers all transfers on a stream; resolves with what the cloud's side found. */
async function answerAll(stream: Duplex): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const inbox = new Inbox(stream);
  stream.on("error", () => undefined);
  try {
    while (await inbox.more()) outcomes.push(await answer(stream, inbox));
  } catch {
    stream.destroy();
  }
  stream.end();
  return outcomes;
}

/** A connection over TCP whose bytes up pass through `change`, and what the cloud's side finds. */
async function overTcp(
  change: (chunk: Buffer, from: number) => void,
): Promise<{ stream: Duplex; found: Promise<Outcome[]>; close: () => void }> {
  let found: (outcomes: Promise<Outcome[]>) => void = () => undefined;
  const answered = new Promise<Outcome[]>((resolve) => (found = resolve));
  const server = createServer((socket) => {
    found(answerAll(socket));
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const relay = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, LOOPBACK);
    let passed = 0;
    near.on("data", (chunk: Buffer) => {
      change(chunk, passed);
      passed += chunk.length;
      far.write(chunk);
    });
    near.on("end", () => far.end());
    far.pipe(near);
  }).listen(0, LOOPBACK);
  await once(relay, "listening");
  const stream = connect((relay.address() as AddressInfo).port, LOOPBACK);
  return {
    stream,
    found: answered,
    close: () => {
      server.close();
      relay.close();
    },
  };
}

void test("transfers on one connection arrive whole at both ends", async (t) => {
  const { stream, found, close } = await overTcp(() => undefined);
  const inbox = new Inbox(stream);
  for (const [number, up, down] of [
    [0, 50_000, 200_000],
    [1, 0, 0],
    [2, 1, 1_000_000],
  ] as const) {
    const outcome = await speak(stream, inbox, transfer(number, up, down));
    t.match(outcome, { number, ok: true });
    t.ok(outcome.bytes <= up + down);
  }
  stream.end();
  t.same(
    (await found).map(({ ok }) => ok),
    [true, true, true],
  );
  close();
});

void test("one changed bit is seen at both ends", async (t) => {
  const { stream, found, close } = await overTcp((chunk, from) => {
    const at = 30_000 - from;
    if (at >= 0 && at < chunk.length) chunk.writeUInt8(chunk.readUInt8(at) ^ 1, at);
  });
  t.match(await speak(stream, new Inbox(stream), transfer(0, 60_000, 5_000)), { ok: false });
  stream.end();
  t.match(await found, [{ ok: false }]);
  close();
});

const openssl = missingPackages(["openssl"]).length > 0 ? "install the Debian package openssl" : false;

void test("one changed bit under TLS is told as a changed byte", { skip: openssl }, async (t) => {
  let cloud: ((caught: unknown) => string) | null = null;
  const server = createTlsServer(await selfSigned("cloud.example"), (socket) => {
    cloud = reasons(socket);
    void answerAll(socket);
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const relay = createServer((near) => {
    const far = connect((server.address() as AddressInfo).port, LOOPBACK);
    let passed = 0;
    near.on("data", (chunk: Buffer) => {
      const at = 20_000 - passed;
      if (at >= 0 && at < chunk.length) chunk.writeUInt8(chunk.readUInt8(at) ^ 1, at);
      passed += chunk.length;
      far.write(chunk);
    });
    far.pipe(near);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
  }).listen(0, LOOPBACK);
  await once(relay, "listening");
  const stream = connectTls({ host: LOOPBACK, port: (relay.address() as AddressInfo).port, rejectUnauthorized: false });
  const client = reasons(stream);
  await t.rejects(speak(stream, new Inbox(stream), transfer(0, 60_000, 5_000)));
  await new Promise((resolve) => setImmediate(resolve));
  for (const reason of [client, cloud]) {
    const said = reason?.("nothing") ?? "";
    t.ok(changed(said), said);
  }
  server.close();
  relay.close();
});

void test("a connection that ends too early is an error, not a wait", async (t) => {
  const server = createServer((socket) => {
    setTimeout(() => socket.destroy(), 50);
  }).listen(0, LOOPBACK);
  await once(server, "listening");
  const stream = connect((server.address() as AddressInfo).port, LOOPBACK);
  stream.on("error", () => undefined);
  await t.rejects(speak(stream, new Inbox(stream), transfer(0, 5_000_000, 100)));
  server.close();
});

interface Way {
  connection: QuicConnection;
  cloud: Promise<{ outcomes: Outcome[]; corrupt: number }>;
  sizes: { up: number[]; down: number[] };
  close: () => void;
}

/** A QUIC-shaped connection over a relay; `pass` may change a datagram, and answers how often to pass it on, or another one. */
async function overQuic(pass: (datagram: Buffer, index: number, up: boolean) => number | Buffer): Promise<Way> {
  let found: (value: { outcomes: Outcome[]; corrupt: number }) => void = () => undefined;
  const cloud = new Promise<{ outcomes: Outcome[]; corrupt: number }>((resolve) => (found = resolve));
  const server = await QuicServer.listen(LOOPBACK, 0, (connection) => {
    void answerAll(connection).then((outcomes) => {
      found({ outcomes, corrupt: connection.corrupt });
    });
  });
  const near = createSocket("udp4").bind(0, LOOPBACK);
  const far = createSocket("udp4").bind(0, LOOPBACK);
  await Promise.all([once(near, "listening"), once(far, "listening")]);
  const sizes = { up: [] as number[], down: [] as number[] };
  let client = 0;
  near.on("message", (datagram, { port }) => {
    client = port;
    sizes.up.push(datagram.length);
    const passed = pass(datagram, sizes.up.length - 1, true);
    if (typeof passed !== "number") far.send(passed, server.port, LOOPBACK);
    else for (let i = passed; i > 0; i--) far.send(datagram, server.port, LOOPBACK);
  });
  far.on("message", (datagram) => {
    sizes.down.push(datagram.length);
    const passed = pass(datagram, sizes.down.length - 1, false);
    if (typeof passed !== "number") near.send(passed, client, LOOPBACK);
    else for (let i = passed; i > 0; i--) near.send(datagram, client, LOOPBACK);
  });
  const connection = quicConnect(LOOPBACK, near.address().port);
  const close = (): void => {
    connection.destroy();
    server.close();
    near.close();
    far.close();
  };
  return { connection, cloud, sizes, close };
}

void test("QUIC-shaped transfers have QUIC's sizes", async (t) => {
  const { connection, cloud, sizes, close } = await overQuic(() => 1);
  const inbox = new Inbox(connection);
  const pace = (bytes: number) => [{ bytes, span: millis(20), chunk: 1315 }];
  t.match(await speak(connection, inbox, { number: 1, up: pace(60_000), down: pace(10_000), wait: micros(0) }), {
    ok: true,
  });
  connection.end();
  t.match(await cloud, { outcomes: [{ ok: true }], corrupt: 0 });
  t.equal(connection.repeated, 0);
  t.equal(sizes.up[0], 1350, "an Initial fills its datagram");
  t.equal(sizes.down[0], 1350);
  t.ok((sizes.up[1] ?? 0) >= 1200, "the client's second Initial is padded too");
  t.ok(Math.max(...sizes.up, ...sizes.down) <= 1350, "1392 B frames");
  t.ok(sizes.up.filter((size) => size > 1320).length > 40, "full packets up");
  const acks = sizes.down.filter((size) => size < 40);
  t.ok(acks.length > 15, "acknowledged after every second packet");
  const measured = acks.filter((size) => size + 42 >= 66 && size + 42 <= 73);
  t.ok(measured.length > 0.9 * acks.length, `acknowledgements of 66-73 B frames, as measured: ${acks.join()}`);
  close();
});

void test("QUIC-shaped transfers survive loss and duplicates", async (t) => {
  const { connection, cloud, close } = await overQuic((_datagram, index) =>
    index % 9 === 4 ? 0 : index % 7 === 3 ? 2 : 1,
  );
  const outcome = await speak(connection, new Inbox(connection), transfer(5, 100_000, 100_000));
  t.match(outcome, { ok: true });
  t.ok(connection.repeated > 0);
  connection.end();
  t.match(await cloud, { outcomes: [{ ok: true }], corrupt: 0 });
  close();
});

void test("QUIC-shaped transfers take no notice of packets that nobody can decrypt, before their own", async (t) => {
  const talk = new QuicTalk(mechanismModules());
  let grown = 0;
  const { connection, cloud, close } = await overQuic((datagram, index, up) => {
    if (up) {
      const after = Buffer.from(talk.up(datagram)).subarray(42);
      if (after.length > datagram.length) grown++;
      return after;
    }
    talk.down(datagram);
    // The client is to be no worse: a 0-RTT packet without connection IDs of 40 bytes.
    const nobody = Buffer.concat([Buffer.from("d0000000010000401f", "hex"), Buffer.alloc(31, 0x77)]);
    return index > 1 ? Buffer.concat([nobody, datagram]) : 1;
  });
  t.match(await speak(connection, new Inbox(connection), transfer(1, 100_000, 100_000)), { ok: true });
  t.equal(connection.corrupt, 0);
  connection.end();
  t.match(await cloud, { outcomes: [{ ok: true }], corrupt: 0 });
  t.equal(connection.repeated, 0);
  t.ok(grown > 50, `${grown} datagrams with a prefix`);
  close();
});

void test("a changed byte in a QUIC packet is repaired, and seen", async (t) => {
  const { connection, cloud, close } = await overQuic((datagram, index, up) => {
    if (up && index === 10) datagram.writeUInt8(datagram.readUInt8(40) ^ 0x80, 40);
    return 1;
  });
  t.match(await speak(connection, new Inbox(connection), transfer(1, 40_000, 4_000)), { ok: true });
  connection.end();
  t.match(await cloud, { outcomes: [{ ok: true }], corrupt: 1 });
  close();
});

void test("a QUIC server ignores what is no QUIC", async (t) => {
  const server = await QuicServer.listen(LOOPBACK, 0, () => {
    t.fail("accepted");
  });
  const socket = createSocket("udp4");
  socket.on("message", () => {
    t.fail("answered");
  });
  const decoys = [
    Buffer.alloc(0),
    Buffer.alloc(1),
    Buffer.from([0xc3, 0, 0, 0, 1, 255]),
    Buffer.alloc(1200, 0xc1),
    Buffer.alloc(60, 0x41),
  ];
  const initial = Buffer.alloc(1200);
  Buffer.from("c100000001080102030405060708000044a0", "hex").copy(initial);
  for (const decoy of [...decoys, initial]) socket.send(decoy, server.port, LOOPBACK);
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.ok(server.strays >= 1);
  socket.close();
  server.close();
});

void test("a QUIC connection to nobody fails within its tries", async (t) => {
  const nobody = createSocket("udp4").bind(0, LOOPBACK);
  await once(nobody, "listening");
  const connection = quicConnect(LOOPBACK, nobody.address().port);
  const failed = once(connection, "error");
  const begun = Date.now();
  t.match(await failed, [{ message: /no answer/ }]);
  t.ok(Date.now() - begun < 10_000);
  nobody.close();
});
