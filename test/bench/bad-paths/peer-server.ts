// The far end of the transfers over bad paths: peer-server.js KEY CERTIFICATE. Says "ready".
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp, type Socket } from "node:net";
import { createServer as createTls } from "node:tls";
import { Progress } from "./progress.js";
import { BANNER_BYTES, HOME, PORTS } from "./transfers.js";

const [, , key = "", certificate = ""] = process.argv;
const identity = { key: readFileSync(key), cert: readFileSync(certificate) };
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const blob = randomBytes(8e6);
const hashes = new Map<number, string>();
const quiet = (): void => undefined;

/** GET /BYTES: so many bytes, their hash in a header. PUT: the hash of what came, and how it came. */
const https = createHttps(identity, (asked, answer) => {
  if (asked.method === "PUT") {
    const hash = createHash("sha256");
    const progress = new Progress();
    asked.on("data", (part: Buffer) => {
      progress.step();
      hash.update(part);
    });
    asked.on("error", quiet);
    asked.on("end", () => answer.end(JSON.stringify({ hash: hash.digest("hex"), ...progress.seen() })));
    return;
  }
  const bytes = Math.min(blob.length, Number(asked.url?.slice(1)));
  const body = blob.subarray(0, bytes);
  const hash = hashes.get(bytes) ?? sha256(body);
  hashes.set(bytes, hash);
  answer.writeHead(200, { "Content-Length": bytes, "X-Hash": hash });
  answer.end(body);
});

/** Sends back what comes, and at the other side's end the hash of all of it. */
function echo(socket: Socket): void {
  const hash = createHash("sha256");
  socket.on("error", quiet);
  socket.setNoDelay(true);
  socket.on("data", (part: Buffer) => {
    hash.update(part);
    socket.write(part);
  });
  socket.on("end", () => socket.end(hash.digest()));
}

/** Speaks first; then answers with the hash of what it heard until the other side's end. */
function first(socket: Socket): void {
  const banner = randomBytes(BANNER_BYTES);
  socket.on("error", quiet);
  socket.write(Buffer.concat([banner, createHash("sha256").update(banner).digest()]));
  listen(socket);
}

/** Answers with the hash of what it heard until the other side's end. */
function listen(socket: Socket): void {
  const hash = createHash("sha256");
  socket.on("error", quiet);
  socket.on("data", (part: Buffer) => hash.update(part));
  socket.on("end", () => socket.end(hash.digest()));
}

const open = { allowHalfOpen: true };
const servers = [
  [https, PORTS.https],
  [createTls({ ...identity, ...open }, echo), PORTS.echo],
  [createTcp(open, first), PORTS.first],
  [createTcp(open, listen), PORTS.bytes],
] as const;
for (const [server, port] of servers) {
  server.on("tlsClientError", quiet);
  await new Promise<void>((resolve) => server.listen(port, "::", resolve));
}
// An address of its own each: an answer from the wildcard address would come from another of the world's many.
for (const [type, address] of [
  ["udp4", HOME.v4],
  ["udp6", HOME.v6],
] as const) {
  const socket = createSocket(type);
  socket.on("message", (bytes, from) => {
    socket.send(bytes, from.port, from.address);
  });
  socket.on("error", quiet);
  await new Promise<void>((resolve) => socket.bind(PORTS.datagrams, address, resolve));
}
console.log("ready");
