// Random bytes over one TCP connection and back, without a pause: node steady-echo.js PORT ADDRESS (where tcp-echo.js serves).
// Prints a line of what has come back four times a second; on SIGTERM it ends the connection, and prints what SteadyEcho says.
import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";

/** What became of it. */
export interface SteadyEcho {
  readonly bytes: number;
  /** Every byte came back as it was sent, in order. */
  readonly same: boolean;
  /** Why the connection ended, where nobody wanted it to. */
  readonly broke: string | null;
  /** Milliseconds in which nothing came back, those over a second. */
  readonly silences: readonly number[];
}

const CHUNK = 2000;
const EVERY_MS = 50;
/** So much may wait here: what piles up while nothing passes need not all be sent afterwards. */
const WAITING = 64_000;

const [port = "", address = ""] = process.argv.slice(2);
const [sent, got] = [createHash("sha256"), createHash("sha256")];
const silences: number[] = [];
let bytes = 0;
let broke: string | null = null;
let last = performance.now();

const socket = connect(Number(port), address);
const pump = setInterval(() => {
  if (socket.writableLength > WAITING) return;
  const chunk = randomBytes(CHUNK);
  sent.update(chunk);
  socket.write(chunk);
}, EVERY_MS);
const tell = setInterval(() => {
  console.log(String(bytes));
}, 250);
socket.on("data", (part) => {
  const now = performance.now();
  if (now - last > 1000) silences.push(Math.round(now - last));
  last = now;
  bytes += part.length;
  got.update(part);
});
socket.on("error", ({ message }) => (broke = message));
socket.on("close", () => {
  clearInterval(pump);
  clearInterval(tell);
  const same = sent.digest("hex") === got.digest("hex");
  console.log(JSON.stringify({ bytes, same, broke, silences } satisfies SteadyEcho));
});
process.once("SIGTERM", () => {
  clearInterval(pump);
  socket.end();
});
