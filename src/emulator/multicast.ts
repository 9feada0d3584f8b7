import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { HushboxError } from "../errors/hushbox-error.js";
import { announcement } from "./dns.js";
import type { Family } from "./plan.js";

const MDNS_PORT = 5353;
const MDNS_GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;
/** Where the speaker calls for others of its kind every ten seconds (calibration 3.4). */
const BEACON_GROUP = "239.255.255.251";
const BEACON_PORT = 10101;
/** Ethernet, IPv4 and UDP header. */
const HEADERS = 42;

/** What the speaker says to its own network, with nobody to answer. */
export class Multicast {
  readonly #sockets: Record<Family, Socket>;

  private constructor(sockets: Record<Family, Socket>) {
    this.#sockets = sockets;
  }

  static async open(name: string): Promise<Multicast> {
    const addresses = networkInterfaces()[name];
    const v4 = addresses?.find(({ family }) => family === "IPv4")?.address;
    if (v4 === undefined)
      throw new HushboxError("interface-missing", `starting the speaker: ${name} has no IPv4 address`);
    const four = createSocket({ type: "udp4", reuseAddr: true });
    const six = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    for (const socket of [four, six]) {
      socket.bind(MDNS_PORT);
      await once(socket, "listening");
      socket.setMulticastTTL(255);
      socket.setMulticastLoopback(false);
      socket.on("error", () => {
        // Nobody answers, so nothing is lost.
      });
    }
    four.setMulticastInterface(v4);
    six.setMulticastInterface(`::%${name}`);
    return new Multicast({ 4: four, 6: six });
  }

  /** A burst of multicast DNS with frames of these lengths over IPv4. */
  announce(family: Family, frames: readonly number[]): void {
    for (const frame of frames) this.#send(family, announcement(frame - HEADERS), MDNS_PORT, MDNS_GROUPS[family]);
  }

  beacon(bytes: number): void {
    this.#send(4, Buffer.alloc(bytes, 0x68), BEACON_PORT, BEACON_GROUP);
  }

  close(): void {
    this.#sockets[4].close();
    this.#sockets[6].close();
  }

  #send(family: Family, message: Buffer, port: number, group: string): void {
    this.#sockets[family].send(message, port, group, () => {
      // Nobody answers, so nothing is lost.
    });
  }
}
