import type { Socket } from "node:net";
import { pipeline } from "node:stream";

/** Passes bytes both ways between two sockets. Each direction ends by itself; what breaks one end breaks the other. */
export function pipe(a: Socket, b: Socket): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    pipeline(from, to, (error) => {
      if (!(error instanceof Error)) return;
      a.destroy();
      b.destroy();
    });
  }
}
