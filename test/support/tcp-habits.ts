// What TCP applications do: node tcp-habits.js PORT serves; node tcp-habits.js PORT ADDRESS [HABIT...] does it, one habit after the
// other, and prints one line: {"wrong": [names], "seconds": {name: number}}. PORT + 1 speaks first.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

const [port = "", address, ...wanted] = process.argv.slice(2);
const BANNER = Buffer.alloc(3000, "hello");
const sha = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

/** All bytes until the other side ends. */
async function rest(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  // No `for await`: it would end our side too.
  socket.on("data", (part: Buffer) => parts.push(part));
  if (!socket.readableEnded) await once(socket, "end");
  return Buffer.concat(parts);
}

/** The next `length` bytes. */
async function take(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let got = 0; got < length;) {
    const part = socket.read(Math.min(length - got, Math.max(socket.readableLength, 1))) as Buffer | null;
    if (part !== null) {
      parts.push(part);
      got += part.length;
    } else if (socket.readableEnded || socket.destroyed) throw new Error("ended early");
    else await Promise.race([once(socket, "readable"), once(socket, "end"), once(socket, "close")]);
  }
  return Buffer.concat(parts);
}

async function serve(socket: Socket): Promise<void> {
  const word = (await take(socket, 8)).toString().trim();
  if (word === "echo") {
    socket.pipe(socket);
  } else if (word === "up" || word === "half") {
    // To a sender that is done: half-closed, the answer comes.
    const all = await rest(socket);
    socket.end(word === "up" ? sha(all) : Buffer.concat([all, Buffer.alloc(100_000, "x")]));
  } else {
    const body = randomBytes(Number(word));
    socket.write(body);
    socket.end(sha(body));
  }
}

const word = (text: string): string => text.padEnd(8);

async function open(first = false): Promise<Socket> {
  const socket = connect({
    port: Number(port) + (first ? 1 : 0),
    host: address ?? "",
    allowHalfOpen: true,
    noDelay: true,
  });
  await once(socket, "connect");
  return socket;
}

const HABITS: Record<string, () => Promise<boolean>> = {
  async records() {
    const socket = await open();
    socket.write(word("echo"));
    let same = true;
    for (let i = 0; i < 60; i++) {
      const record = randomBytes(1 + ((i * 37) % 700));
      socket.write(record);
      same &&= record.equals(await take(socket, record.length));
    }
    socket.end();
    return same && (await rest(socket)).length === 0;
  },
  async bytes() {
    const socket = await open();
    socket.write(word("echo"));
    const sent = randomBytes(100);
    for (const byte of sent) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const same = sent.equals(await take(socket, sent.length));
    socket.end();
    return same && (await rest(socket)).length === 0;
  },
  async up() {
    const socket = await open();
    const body = randomBytes(1_500_000);
    socket.write(word("up"));
    socket.end(body);
    return (await rest(socket)).toString() === sha(body);
  },
  async down() {
    const socket = await open();
    socket.write(word("2000000"));
    const all = await rest(socket);
    socket.end();
    return all.length === 2_000_064 && sha(all.subarray(0, 2_000_000)) === all.subarray(2_000_000).toString();
  },
  async half() {
    const socket = await open();
    socket.end(word("half") + "the rest");
    const all = await rest(socket);
    return all.length === 100_008 && all.subarray(0, 8).toString() === "the rest";
  },
  async first() {
    const socket = await open(true);
    const banner = await take(socket, BANNER.length);
    socket.write(word("echo") + "and back");
    const back = await take(socket, 8);
    socket.end();
    return banner.equals(BANNER) && back.toString() === "and back" && (await rest(socket)).length === 0;
  },
  async reset() {
    const socket = await open();
    socket.write(word("echo") + "and back");
    await take(socket, 8);
    socket.resetAndDestroy();
    return true;
  },
  /** Longer than a router remembers a connection that was reset. */
  async idle() {
    const socket = await open();
    const body = randomBytes(400);
    socket.write(Buffer.concat([Buffer.from(word("echo")), body]));
    let same = body.equals(await take(socket, body.length));
    await new Promise((resolve) => setTimeout(resolve, 13_000));
    socket.write(body);
    same &&= body.equals(await take(socket, body.length));
    socket.end();
    return same && (await rest(socket)).length === 0;
  },
  /** A request that stands in one segment, as a ClientHello does, and its echo. */
  async hello() {
    const socket = await open();
    const body = randomBytes(400);
    socket.write(Buffer.concat([Buffer.from(word("echo")), body]));
    const back = await take(socket, body.length);
    socket.end();
    return body.equals(back) && (await rest(socket)).length === 0;
  },
};

if (address === undefined) {
  for (const first of [false, true]) {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      socket.on("error", () => undefined);
      if (first) socket.write(BANNER);
      serve(socket).catch(() => {
        socket.destroy();
      });
    });
    server.listen(Number(port) + (first ? 1 : 0), "::");
    await once(server, "listening");
  }
  console.log("ready");
} else {
  const wrong: string[] = [];
  const seconds: Record<string, number> = {};
  for (const name of wanted.length > 0 ? wanted : Object.keys(HABITS)) {
    const begun = performance.now();
    const right = await (HABITS[name]?.() ?? Promise.resolve(false)).catch(() => false);
    if (!right) wrong.push(name);
    seconds[name] = Number(((performance.now() - begun) / 1000).toFixed(3));
  }
  console.log(JSON.stringify({ wrong, seconds }));
  process.exit(0);
}
