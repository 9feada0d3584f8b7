// Transfers whose bytes are checked by hash at both ends:
//   peer.js server                  answers on TCP and UDP port 8443
//   peer.js client ADDRESS          until standard input ends; then prints one JSON object
import { createHash, randomBytes, randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

const PORT = 8443;
const HASH = 32;
/** A transfer that takes longer has stalled. */
const LONGEST_MS = 60_000;

const sha256 = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

/** Up: "U", length, bytes; answered by their hash. Down: "D", length; answered by so many bytes and their hash. */
function serve(): void {
  createServer({ allowHalfOpen: true }, (socket) => {
    void readAll(socket)
      .then((request) => {
        const payload = request[0] === 0x55 ? null : randomBytes(request.readUInt32BE(1));
        socket.end(payload === null ? sha256(request.subarray(5)) : Buffer.concat([payload, sha256(payload)]));
      })
      .catch(() => socket.destroy());
  }).listen(PORT, "0.0.0.0");
  const datagrams = createSocket("udp4");
  datagrams.on("message", (bytes, from) => {
    datagrams.send(Buffer.concat([sha256(bytes), bytes]), from.port, from.address);
  });
  datagrams.bind(PORT, () => {
    console.log("ready");
  });
}

async function readAll(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "end", { signal: AbortSignal.timeout(LONGEST_MS) });
  return Buffer.concat(parts);
}

async function transfer(address: string): Promise<{ good: boolean; bytes: number }> {
  const up = randomInt(2) === 0;
  const length = 2 ** randomInt(8, 21) + randomInt(1000);
  const payload = up ? randomBytes(length) : Buffer.alloc(0);
  const head = Buffer.alloc(5);
  head.write(up ? "U" : "D");
  head.writeUInt32BE(length, 1);
  const socket = connect(PORT, address);
  try {
    socket.end(Buffer.concat([head, payload]));
    const answer = await readAll(socket);
    if (up) return { good: answer.equals(sha256(payload)), bytes: length };
    const good = answer.length === length + HASH && answer.subarray(length).equals(sha256(answer.subarray(0, length)));
    return { good, bytes: length };
  } finally {
    socket.destroy();
  }
}

async function ask(address: string): Promise<void> {
  const totals = { transfers: 0, bytes: 0, bad: 0, failed: 0, datagrams: 0, answered: 0, datagramsBad: 0 };
  let running = true;
  process.stdin.resume().on("end", () => (running = false));
  const waiting = new Map<string, Buffer>();
  const datagrams = createSocket("udp4");
  datagrams.on("message", (bytes) => {
    const id = bytes.subarray(HASH, HASH + 8).toString("hex");
    const sent = waiting.get(id);
    waiting.delete(id);
    totals.answered++;
    const good =
      sent !== undefined && bytes.subarray(HASH).equals(sent) && bytes.subarray(0, HASH).equals(sha256(sent));
    if (!good) totals.datagramsBad++;
  });
  const ticking = setInterval(() => {
    const bytes = randomBytes(randomInt(8, 1200));
    waiting.set(bytes.subarray(0, 8).toString("hex"), bytes);
    totals.datagrams++;
    datagrams.send(bytes, PORT, address);
  }, 25);
  const worker = async (): Promise<void> => {
    while (running) {
      try {
        const { good, bytes } = await transfer(address);
        totals.transfers++;
        totals.bytes += bytes;
        if (!good) totals.bad++;
      } catch (error) {
        totals.failed++;
        process.stderr.write(`transfer: ${String(error)}\n`);
      }
      await new Promise((resolve) => setTimeout(resolve, randomInt(20, 300)));
    }
  };
  await Promise.all([worker(), worker()]);
  clearInterval(ticking);
  await new Promise((resolve) => setTimeout(resolve, 500));
  console.log(JSON.stringify(totals));
  process.exit(0);
}

const [, , role = "", address = ""] = process.argv;
if (role === "server") serve();
else await ask(address);
