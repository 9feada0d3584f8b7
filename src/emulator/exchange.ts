import { createCipheriv, createHash, randomBytes, type Hash } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { micros, type Micros } from "../time/micros.js";
import type { Inbox } from "./inbox.js";
import { total, type Pace } from "./plan.js";

/*
 * One transfer on a connection, over TLS and QUIC alike. The speaker sends
 *
 *     magic 4 | number 4 | up 4 | down 4 | wait 4 | phases 4 | phases × (bytes 4, span 4, chunk 4) | up bytes | SHA-256 of them
 *
 * and the cloud answers, after `wait`,
 *
 *     magic 4 | number 4 | down bytes | SHA-256 of them | SHA-256 of the up bytes as it received them
 *
 * so that both ends know of both directions. Numbers are big-endian, times in microseconds.
 */

const MAGIC_UP = 0x68627570;
const MAGIC_DOWN = 0x68626e64;
const HEADER_BYTES = 24;
const PHASE_BYTES = 12;
const HASH_BYTES = 32;
const PHASES_MOST = 16;

export interface Transfer {
  number: number;
  up: readonly Pace[];
  down: readonly Pace[];
  wait: Micros;
}

/** What one end found. */
export interface Outcome {
  number: number;
  /** Payload bytes of both directions, without what the exchange itself needs. */
  bytes: number;
  /** True: the bytes of both directions arrived as they were sent. The cloud knows only of the way up. */
  ok: boolean;
}

/** Bytes that the exchange adds in each direction; a plan's figures include them. */
export function overhead(phases: number): { up: number; down: number } {
  return { up: HEADER_BYTES + phases * PHASE_BYTES + HASH_BYTES, down: 8 + 2 * HASH_BYTES };
}

/** The speaker's side. */
export async function speak(stream: Duplex, inbox: Inbox, { number, up, down, wait }: Transfer): Promise<Outcome> {
  const extra = overhead(down.length);
  const sent = lessened(up, extra.up);
  const asked = lessened(down, extra.down);
  const header = Buffer.alloc(HEADER_BYTES + asked.length * PHASE_BYTES);
  [MAGIC_UP, number, total(sent), total(asked), wait, asked.length].forEach((value, i) =>
    header.writeUInt32BE(value, 4 * i),
  );
  asked.forEach(({ bytes, span, chunk }, i) => {
    [bytes, span, chunk].forEach((value, j) => header.writeUInt32BE(value, HEADER_BYTES + PHASE_BYTES * i + 4 * j));
  });
  const upHash = await write(stream, header, sent);
  stream.write(upHash);

  const answer = await inbox.exactly(8);
  const downHash = await read(inbox, total(asked));
  const trailer = await inbox.exactly(2 * HASH_BYTES);
  const ok =
    answer.readUInt32BE(0) === MAGIC_DOWN &&
    answer.readUInt32BE(4) === number &&
    trailer.subarray(0, HASH_BYTES).equals(downHash) &&
    trailer.subarray(HASH_BYTES).equals(upHash);
  return { number, bytes: total(sent) + total(asked), ok };
}

/** The cloud's side, for one transfer. */
export async function answer(stream: Duplex, inbox: Inbox): Promise<Outcome> {
  const header = await inbox.exactly(HEADER_BYTES);
  const field = (i: number): number => header.readUInt32BE(4 * i);
  if (field(0) !== MAGIC_UP || field(5) > PHASES_MOST) throw new Error("a transfer does not begin as it should");
  const phases = await inbox.exactly(field(5) * PHASE_BYTES);
  const down = Array.from({ length: field(5) }, (_, i): Pace => {
    const at = (j: number): number => phases.readUInt32BE(PHASE_BYTES * i + 4 * j);
    return { bytes: at(0), span: micros(at(1)), chunk: at(2) };
  });
  const upHash = await read(inbox, field(2));
  const said = await inbox.exactly(HASH_BYTES);
  await delay(field(4) / 1000);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(MAGIC_DOWN);
  head.writeUInt32BE(field(1), 4);
  const downHash = await write(stream, head, down);
  stream.write(Buffer.concat([downHash, upHash]));
  return { number: field(1), bytes: field(2) + field(3), ok: said.equals(upHash) };
}

/** Phases with `extra` bytes less, taken from the last ones first. */
function lessened(paces: readonly Pace[], extra: number): Pace[] {
  let left = extra;
  return [...paces]
    .reverse()
    .map((pace) => {
      const less = Math.min(left, pace.bytes);
      left -= less;
      return { ...pace, bytes: pace.bytes - less };
    })
    .reverse();
}

/** Writes random bytes at their pace, `before` in front of the first; answers their hash. */
async function write(stream: Duplex, before: Buffer, paces: readonly Pace[]): Promise<Buffer> {
  const hash = createHash("sha256");
  const random = createCipheriv("aes-128-ctr", randomBytes(16), Buffer.alloc(16));
  const begun = performance.now();
  let front = before;
  let passed = 0;
  for (const { bytes, span, chunk } of paces) {
    for (let at = 0; at < bytes;) {
      const due = begun + passed + ((at / bytes) * span) / 1000;
      await delay(due - performance.now());
      const size = Math.min(Math.max(1, chunk), bytes - at);
      const data = random.update(Buffer.alloc(size));
      hash.update(data);
      await put(stream, front.length > 0 ? Buffer.concat([front, data]) : data);
      front = Buffer.alloc(0);
      at += size;
    }
    passed += span / 1000;
  }
  if (front.length > 0) await put(stream, front);
  return hash.digest();
}

async function put(stream: Duplex, data: Buffer): Promise<void> {
  if (stream.destroyed) throw new Error("the connection is gone");
  if (stream.write(data)) return;
  // A stream that is destroyed drains never; `close` ends the wait.
  const stop = new AbortController();
  const closed = (): void => {
    stop.abort();
  };
  stream.once("close", closed);
  try {
    await once(stream, "drain", { signal: stop.signal });
  } finally {
    stream.removeListener("close", closed);
  }
}

async function read(inbox: Inbox, bytes: number): Promise<Buffer> {
  const hash: Hash = createHash("sha256");
  for (let left = bytes; left > 0;) {
    const part = await inbox.some(left);
    hash.update(part);
    left -= part.length;
  }
  return hash.digest();
}

function delay(ms: number): Promise<void> {
  return ms < 1 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}
