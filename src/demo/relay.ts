import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Laboratory } from "../emulator/laboratory.js";
import type { Place } from "../emulator/topology.js";
import { Program } from "./program.js";
import { pipe } from "./pipe.js";

/** A port of this machine's loopback that leads to one inside a namespace, so that a browser here reaches the API there. */
export class Relay {
  readonly url: string;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #end: Program;

  private constructor(server: Server, sockets: Set<Socket>, end: Program) {
    const { port } = server.address() as AddressInfo;
    this.url = `http://127.0.0.1:${port}`;
    this.#server = server;
    this.#sockets = sockets;
    this.#end = end;
  }

  /** Leads to `port` in a place, from the same port here where it is free; `path`: of the unix socket between them. */
  static async open(laboratory: Laboratory, place: Place, port: number, path: string): Promise<Relay> {
    const script = join(import.meta.dirname, "relay-end.js");
    const end = Program.start(
      laboratory,
      place,
      [process.execPath, script, path, String(port)],
      "the relay to the API",
    );
    await end.saying((line) => line === "listening");
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      pipe(socket, connect({ path, allowHalfOpen: true }));
    });
    await listen(server, port);
    return new Relay(server, sockets, end);
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#end.stop();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
  } catch {
    // Somebody has the port; any other does.
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
}
