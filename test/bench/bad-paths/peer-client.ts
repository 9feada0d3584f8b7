// The near end of the transfers over bad paths: reads errands as lines of JSON and answers each with its outcomes (transfers.ts).
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { messageOf } from "../../../src/errors/message-of.js";
import { integer } from "../../../src/random/random.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { Progress } from "./progress.js";
import { BANNER_BYTES, PORTS, type Errand, type Outcome, type TransferName } from "./transfers.js";

/** A transfer that takes longer has failed. */
const LONGEST_MS = 20_000;
const HASH = 32;
/** Over how many connections the records go. */
const LINES = 5;
const SINGLE_BYTES = 100;
const DATAGRAMS = 30;
/** Times that one is sent: past a router that swallows long packets without a word it takes some seconds to find that out. */
const TURNS = 11;
const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

class Wrong extends Error {}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Wrong(what);
}

function bytesOf(random: SeededRandom, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i += 4) bytes.writeUInt32LE(random.word(), Math.min(i, Math.max(0, length - 4)));
  return bytes;
}

/** Reads a socket exactly; `progress` hears of every part. */
class Reader {
  readonly #parts: AsyncIterator<Buffer>;
  readonly #progress: Progress;
  #held = Buffer.alloc(0);

  constructor(socket: Socket, progress: Progress) {
    this.#parts = socket.iterator({ destroyOnReturn: false })[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
    this.#progress = progress;
  }

  async exactly(n: number): Promise<Buffer> {
    while (this.#held.length < n) {
      const part = await this.#parts.next();
      if (part.done === true) throw new Error(`the connection ended ${n - this.#held.length} bytes early`);
      this.#progress.step();
      this.#held = Buffer.concat([this.#held, part.value]);
    }
    const found = this.#held.subarray(0, n);
    this.#held = this.#held.subarray(n);
    return found;
  }

  /** Nothing more comes. */
  async end(): Promise<void> {
    const part = await this.#parts.next();
    must(part.done === true && this.#held.length === 0, "bytes came after the end");
  }
}

async function opened(socket: Socket, event: "connect" | "secureConnect", progress: Progress): Promise<void> {
  socket.setTimeout(LONGEST_MS, () => socket.destroy(new Error(`nothing came for ${LONGEST_MS} ms`)));
  socket.setNoDelay(true);
  // Whoever reads hears of it; until somebody does, it must not end the program.
  socket.on("error", () => undefined);
  await once(socket, event);
  progress.connected();
}

/** Short records one after the other, each checked when it comes back; then this side ends, and the other side says what it got. */
async function records(address: string, random: SeededRandom, count: number, progress: Progress): Promise<void> {
  const socket = connectTls({ host: address, port: PORTS.echo, rejectUnauthorized: false });
  try {
    await opened(socket, "secureConnect", progress);
    const reader = new Reader(socket, progress);
    const hash = createHash("sha256");
    for (let i = 0; i < count; i++) {
      const record = bytesOf(random, integer(random, 20, 400));
      hash.update(record);
      socket.write(record);
      must((await reader.exactly(record.length)).equals(record), `record ${i} came back changed`);
    }
    socket.end();
    must((await reader.exactly(HASH)).equals(hash.digest()), "the server got other bytes");
    await reader.end();
  } finally {
    socket.destroy();
  }
}

/** The server speaks first. */
async function first(address: string, random: SeededRandom, progress: Progress): Promise<void> {
  const socket = connect({ host: address, port: PORTS.first, allowHalfOpen: true });
  try {
    await opened(socket, "connect", progress);
    const reader = new Reader(socket, progress);
    const banner = await reader.exactly(BANNER_BYTES);
    must((await reader.exactly(HASH)).equals(sha256(banner)), "the server's first words came changed");
    const answer = bytesOf(random, 500);
    socket.end(answer);
    must((await reader.exactly(HASH)).equals(sha256(answer)), "the server got other bytes");
    await reader.end();
  } finally {
    socket.destroy();
  }
}

/** One byte at a time, each a packet of its own. */
async function bytes(address: string, random: SeededRandom, progress: Progress): Promise<void> {
  const socket = connect({ host: address, port: PORTS.bytes, allowHalfOpen: true });
  try {
    await opened(socket, "connect", progress);
    const all = bytesOf(random, SINGLE_BYTES);
    for (const byte of all) {
      socket.write(Uint8Array.of(byte));
      progress.step();
      await pause(2);
    }
    socket.end();
    const reader = new Reader(socket, progress);
    must((await reader.exactly(HASH)).equals(sha256(all)), "the server got other bytes");
    await reader.end();
  } finally {
    socket.destroy();
  }
}

/** Datagrams of all sizes that come back as they were; a lost one is sent again. */
async function datagrams(address: string, random: SeededRandom, largest: number, progress: Progress): Promise<void> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  try {
    socket.connect(PORTS.datagrams, address);
    await once(socket, "connect");
    socket.on("error", () => undefined);
    const waiting = new Map<number, Buffer>();
    for (let i = 0; i < DATAGRAMS; i++) {
      const datagram = bytesOf(random, integer(random, 4, largest));
      datagram.writeUInt32BE(i);
      waiting.set(i, datagram);
    }
    let changed = 0;
    socket.on("message", (came) => {
      progress.step();
      const sent = waiting.get(came.readUInt32BE(0));
      if (sent !== undefined && !came.equals(sent)) changed++;
      waiting.delete(came.readUInt32BE(0));
    });
    for (let turn = 0; turn < TURNS && waiting.size > 0; turn++) {
      for (const datagram of waiting.values()) {
        socket.send(datagram, () => undefined);
        await pause(2);
      }
      for (let i = 0; i < 40 && waiting.size > 0; i++) await pause(5 * (turn + 1));
    }
    must(changed === 0, `${changed} datagrams came back changed`);
    if (waiting.size > 0) throw new Error(`${waiting.size} of ${DATAGRAMS} datagrams never came back`);
  } finally {
    socket.close();
  }
}

/** By HTTPS; what one side sent and the other got is the same. */
function https(address: string, up: Buffer | null, down: number, progress: Progress): Promise<Outcomes> {
  const head = { host: address, port: PORTS.https, rejectUnauthorized: false, agent: false } as const;
  return new Promise((resolve, reject) => {
    const asked = request({ ...head, method: up === null ? "GET" : "PUT", path: `/${down}` }, (answer) => {
      const hash = createHash("sha256");
      const said: Buffer[] = [];
      answer.on("data", (part: Buffer) => {
        if (up === null) {
          progress.step();
          hash.update(part);
        } else said.push(part);
      });
      answer.on("error", reject);
      answer.on("end", () => {
        if (up === null) resolve({ right: hash.digest("hex") === answer.headers["x-hash"], gap: null });
        else {
          const { hash: theirs, gap } = JSON.parse(Buffer.concat(said).toString()) as { hash: string; gap: number };
          resolve({ right: theirs === sha256(up).toString("hex"), gap });
        }
      });
    });
    asked.on("socket", (socket) =>
      socket.once("secureConnect", () => {
        progress.connected();
      }),
    );
    asked.setTimeout(LONGEST_MS, () => asked.destroy(new Error(`nothing came for ${LONGEST_MS} ms`)));
    asked.on("error", reject);
    asked.end(up ?? undefined);
  });
}
interface Outcomes {
  readonly right: boolean;
  /** Of the other side, where that is the one to wait. */
  readonly gap: number | null;
}

async function outcome(name: TransferName, work: (progress: Progress) => Promise<number | null>): Promise<Outcome> {
  const progress = new Progress();
  try {
    const gap = await work(progress);
    const seen = progress.seen();
    return { name, result: "right", why: "", ms: seen.ms, gap: gap ?? seen.gap };
  } catch (error) {
    const why = messageOf(error);
    // TLS says a changed byte so.
    const wrong = error instanceof Wrong || /bad.record.mac|decryption.failed/i.test(why);
    return { name, result: wrong ? "wrong" : "failed", why, ...progress.seen() };
  }
}

async function run(errand: Errand): Promise<Outcome[]> {
  const { address, seed, only, megabytesDown, megabytesUp, records: count, largestDatagram: largest } = errand;
  const wanted = (name: TransferName): boolean => only?.includes(name) ?? true;
  const random = (name: string): SeededRandom => new SeededRandom(seed, name);
  const some = (name: TransferName, work: (progress: Progress) => Promise<void>): Promise<Outcome>[] =>
    wanted(name) ? [outcome(name, (progress) => work(progress).then(() => null))] : [];
  const each = Math.ceil(count / LINES);
  const small = await Promise.all([
    ...Array.from({ length: LINES }, (_, i) =>
      some("records", (progress) => records(address, random(`records ${i}`), each, progress)),
    ).flat(),
    ...some("first", (progress) => first(address, random("first"), progress)),
    ...some("bytes", (progress) => bytes(address, random("bytes"), progress)),
    ...some("datagrams", (progress) => datagrams(address, random("datagrams"), largest, progress)),
  ]);
  const large = async (name: "down" | "up"): Promise<Outcome[]> => {
    if (!wanted(name)) return [];
    const up = name === "up" ? bytesOf(random("up"), megabytesUp * 1e6) : null;
    const one = await outcome(name, async (progress) => {
      const { right, gap } = await https(address, up, megabytesDown * 1e6, progress);
      must(right, "the hashes differ");
      return gap;
    });
    return [one];
  };
  return [...small, ...(await large("down")), ...(await large("up"))];
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line) as Errand)));
}
