// Both ends of transfers over TLS and UDP, each a program of its own:
//
//     node echo-peer.js serve <key> <certificate> <address>...     sends back what comes, on port 443 and UDP port 4000
//     node echo-peer.js ask <address>                              says as JSON what came back wrong or late
import { createHash, randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";

const TLS_PORT = 443;
const UDP_PORT = 4000;
const [mode = "", ...rest] = process.argv.slice(2);

/** What `ask` prints. */
export interface Asked {
  readonly smallRecords: number;
  readonly largeTransfers: number;
  /** Datagrams that came back as they were, and how many had to be sent again. */
  readonly datagrams: number;
  readonly repeated: number;
}

async function serve(): Promise<void> {
  const [key = "", cert = "", ...addresses] = rest;
  for (const address of addresses) {
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => {
      socket.on("error", () => socket.destroy());
      socket.pipe(socket);
    });
    await once(server.listen(TLS_PORT, address), "listening");
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    socket.on("message", (message, from) => {
      socket.send(message, from.port, from.address);
    });
    await once(socket.bind(UDP_PORT, address), "listening");
  }
  console.log("ready");
}

/** Sends bytes and resolves when the same came back. */
async function exchange(socket: TLSSocket, bytes: Buffer): Promise<void> {
  const hash = createHash("sha256");
  let left = bytes.length;
  socket.write(bytes);
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) {
      await once(socket, "readable", { signal: AbortSignal.timeout(8000) });
      continue;
    }
    hash.update(chunk);
    left -= chunk.length;
    if (left <= 0) break;
  }
  const wanted = createHash("sha256").update(bytes).digest("hex");
  if (left !== 0 || hash.digest("hex") !== wanted) throw new Error("other bytes came back");
}

async function overTls(address: string): Promise<[small: number, large: number]> {
  const socket = connect({ host: address, port: TLS_PORT, rejectUnauthorized: false });
  await once(socket, "secureConnect", { signal: AbortSignal.timeout(8000) });
  let small = 0;
  for (; small < 40; small++) await exchange(socket, randomBytes(20 + small * 13));
  let large = 0;
  for (; large < 2; large++) await exchange(socket, randomBytes(500_000));
  socket.destroy();
  return [small, large];
}

async function overUdp(address: string): Promise<[datagrams: number, repeated: number]> {
  const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
  let repeated = 0;
  let datagrams = 0;
  for (let size = 0; size <= 1300; size += 50) {
    const sent = randomBytes(size);
    for (let tries = 0; ; tries++) {
      if (tries === 4) throw new Error(`no datagram of ${size} bytes came back`);
      socket.send(sent, UDP_PORT, address);
      try {
        const [message] = (await once(socket, "message", { signal: AbortSignal.timeout(400) })) as [Buffer];
        if (!message.equals(sent)) throw new Error(`another datagram than that of ${size} bytes`);
        break;
      } catch (error) {
        if (!(error instanceof Error) || error.name !== "AbortError") throw error;
        repeated++;
      }
    }
    datagrams++;
  }
  socket.close();
  return [datagrams, repeated];
}

if (mode === "serve") await serve();
else {
  const [address = ""] = rest;
  const [datagrams, repeated] = await overUdp(address);
  const [smallRecords, largeTransfers] = await overTls(address);
  const asked: Asked = { smallRecords, largeTransfers, datagrams, repeated };
  console.log(JSON.stringify(asked));
}
