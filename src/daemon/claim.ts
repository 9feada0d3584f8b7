import { createServer, type Server } from "node:net";
import { HushboxError } from "../errors/hushbox-error.js";

const claimed = new Map<string, Server>();

/**
 * Claims interfaces for this process until it ends, so that no second hushbox carries every frame a second time. A claim is an abstract socket
 * (unix(7)): it belongs to the network namespace, as the interface does, and vanishes with its process, however that ends. Throws
 * `already-running`.
 */
export async function claim(interfaces: readonly string[]): Promise<void> {
  for (const name of interfaces) {
    if (!claimed.has(name)) claimed.set(name, await listen(name));
  }
}

function listen(name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE";
      reject(
        new HushboxError(
          taken ? "already-running" : "host",
          taken
            ? `another hushbox carries packets on ${name} already: stop it first, or it would carry each of them twice`
            : `claiming ${name}: ${cause.message}`,
          cause,
        ),
      );
    });
    server.listen(`\0hushbox/${name}`, () => {
      server.unref();
      resolve(server);
    });
  });
}
