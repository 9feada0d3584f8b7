// Numbered datagrams both ways between two of these: node udp-stream.js PORT PACKETS_PER_SECOND BYTES [ADDRESS]
// With an address it begins; without, it answers whoever comes first with a stream of its own. It sends until SIGTERM,
// waits for what is still on its way, and prints one line: what StreamCount says.
import { createSocket } from "node:dgram";

/** What one end has seen. Lost in a direction: what one end sent less what the other received and were no duplicates. */
export interface StreamCount {
  readonly sent: number;
  readonly received: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** The highest number that came, from 0; -1 before the first. */
  readonly latest: number;
}

const GRAIN_MS = 5;
/** At most so many at once, however late a timer was: more than a socket's buffer holds would be lost here and not on the way. */
const BURST = 32;
const PATIENCE_MS = 1000;

const [port = "", rate = "", bytes = "", address] = process.argv.slice(2);
const socket = createSocket(address?.includes(":") === false ? "udp4" : "udp6");
let peer = address === undefined ? null : { address, port: Number(port) };
let sent = 0;
let received = 0;
let highest = -1;
let duplicated = 0;
let reordered = 0;
/** A bit for each number that came. */
let seen = new Uint32Array(1 << 16);

socket.on("message", (text, from) => {
  peer ??= { address: from.address, port: from.port };
  const number = text.readUInt32BE(0);
  if (number >>> 5 >= seen.length) {
    const more = new Uint32Array((number >>> 5) * 2);
    more.set(seen);
    seen = more;
  }
  const word = seen[number >>> 5] ?? 0;
  const bit = 1 << (number & 31);
  received++;
  if ((word & bit) !== 0) duplicated++;
  else if (number < highest) reordered++;
  seen[number >>> 5] = word | bit;
  highest = Math.max(highest, number);
});

socket.bind(address === undefined ? Number(port) : 0, () => {
  socket.setRecvBufferSize(8 << 20);
  socket.setSendBufferSize(8 << 20);
  let last = performance.now();
  let due = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    due = peer === null ? 0 : Math.min(due + ((now - last) / 1000) * Number(rate), BURST);
    last = now;
    for (; due >= 1 && peer !== null; due--) {
      const message = Buffer.alloc(Number(bytes));
      message.writeUInt32BE(sent++);
      socket.send(message, peer.port, peer.address);
    }
  }, GRAIN_MS);
  console.log("ready");
  process.once("SIGTERM", () => {
    clearInterval(timer);
    setTimeout(() => {
      console.log(JSON.stringify({ sent, received, duplicated, reordered, latest: highest } satisfies StreamCount));
      socket.close();
    }, PATIENCE_MS);
  });
});
