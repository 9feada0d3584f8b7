import { createSocket } from "node:dgram";

/** Sends a datagram from a new port and waits for one that `accept` takes; asks again each `retry` ms, and gives up with null after `patience` ms. */
export function ask<T>(
  address: string,
  port: number,
  request: Buffer,
  accept: (answer: Buffer) => T | null,
  { retry, patience }: { retry: number; patience: number },
): Promise<T | null> {
  return new Promise((resolve) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    const send = (): void => {
      socket.send(request, () => {
        // What does not leave is asked again.
      });
    };
    const again = setInterval(send, retry);
    const finish = (result: T | null): void => {
      clearInterval(again);
      clearTimeout(end);
      socket.removeAllListeners("message");
      socket.close();
      resolve(result);
    };
    const end = setTimeout(() => {
      finish(null);
    }, patience);
    socket.on("message", (message) => {
      const result = accept(message);
      if (result !== null) finish(result);
    });
    socket.on("error", () => {
      // An ICMP error: silence decides.
    });
    // Connected, so that the kernel drops what comes from anybody else.
    socket.connect(port, address, send);
  });
}
