// Datagrams of every size, and their echo: `node udp-echo.js serve PORT ADDRESS…` answers; `node udp-echo.js ask PORT ADDRESS FIRST LAST` sends
// payloads of FIRST to LAST bytes, each again until its own echo is back, and prints one line: what EchoCount says.
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

export interface EchoCount {
  /** Sizes whose echo came back, byte for byte. */
  readonly echoed: number;
  /** Datagrams that were sent again, because no echo came in time. */
  readonly again: number;
  /** Echoes that were not what was sent. */
  readonly wrong: number;
  /** Sizes that never came back. */
  readonly missing: readonly number[];
}

const WINDOW = 16;
const PATIENCE_MS = 1000;
const TRIES = 3;

const [role = "", port = "", ...rest] = process.argv.slice(2);
const socketFor = (address: string): Socket => createSocket(address.includes(":") ? "udp6" : "udp4");

/** A payload whose bytes depend on its size. */
function payload(size: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + size * 7) & 0xff));
}

/** An address each: an echo must come from where the datagram went. */
async function serve(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const socket = socketFor(address);
    socket.on("message", (message, from) => {
      socket.send(message, from.port, from.address);
    });
    socket.bind(Number(port), address);
    await once(socket, "listening");
  }
  console.log("ready");
}

function ask(address: string, first: number, last: number): void {
  const socket = socketFor(address);
  const waiting = new Map<number, { tries: number; timer: NodeJS.Timeout }>();
  const missing: number[] = [];
  let next = first;
  let echoed = 0;
  let again = 0;
  let wrong = 0;
  const send = (size: number, tries: number): void => {
    const timer = setTimeout(() => {
      if (tries < TRIES) again++;
      else missing.push(size);
      if (tries < TRIES) send(size, tries + 1);
      else {
        waiting.delete(size);
        more();
      }
    }, PATIENCE_MS);
    waiting.set(size, { tries, timer });
    socket.send(payload(size), Number(port), address);
  };
  const more = (): void => {
    while (next <= last && waiting.size < WINDOW) send(next++, 1);
    if (waiting.size > 0) return;
    console.log(JSON.stringify({ echoed, again, wrong, missing } satisfies EchoCount));
    socket.close();
  };
  socket.on("message", (message) => {
    const asked = waiting.get(message.length);
    if (asked === undefined) return;
    if (!message.equals(payload(message.length))) {
      wrong++;
      return;
    }
    clearTimeout(asked.timer);
    waiting.delete(message.length);
    echoed++;
    more();
  });
  socket.bind(0, more);
}

if (role === "serve") await serve(rest);
else ask(rest[0] ?? "", Number(rest[1]), Number(rest[2]));
