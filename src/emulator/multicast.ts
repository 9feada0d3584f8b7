import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { networkInterfaces } from "node:os";
import { HushboxError } from "../errors/hushbox-error.js";
import { announcement } from "./dns.js";
import type { Family } from "./plan.js";

/** Port of multicast DNS (RFC 6762, section 3). */
export const MDNS_PORT = 5353;
/** Groups of multicast DNS (RFC 6762, section 3). */
export const MDNS_GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;
/** Where the speaker calls for others of its kind every ten seconds (calibration 3.4). */
export const BEACON_GROUP = "239.255.255.251";
/** The port of that call. */
export const BEACON_PORT = 10101;
/** Ethernet, IPv4 and UDP header. */
const HEADERS = 42;

/** What the speaker says to its own network, with nobody to answer. */
export class Multicast {
  readonly #mdns: Record<Family, Socket>;
  readonly #beacon: Socket;

  private constructor(mdns: Record<Family, Socket>, beacon: Socket) {
    this.#mdns = mdns;
    this.#beacon = beacon;
  }

  static async open(name: string): Promise<Multicast> {
    const addresses = networkInterfaces()[name];
    const v4 = addresses?.find(({ family }) => family === "IPv4")?.address;
    if (v4 === undefined)
      throw new HushboxError("interface-missing", `starting the speaker: ${name} has no IPv4 address`);
    const four = createSocket({ type: "udp4", reuseAddr: true });
    const six = createSocket({ type: "udp6", reuseAddr: true, ipv6Only: true });
    const beacon = createSocket("udp4");
    for (const socket of [four, six, beacon]) {
      socket.bind(socket === beacon ? 0 : MDNS_PORT);
      await once(socket, "listening");
      socket.setMulticastInterface(socket === six ? `::%${name}` : v4);
      socket.setMulticastTTL(255);
      socket.setMulticastLoopback(false);
      socket.on("error", () => {
        // Nobody answers, so nothing is lost.
      });
    }
    return new Multicast({ 4: four, 6: six }, beacon);
  }

  /** A burst of multicast DNS with frames of these lengths over IPv4. */
  announce(family: Family, frames: readonly number[]): void {
    for (const frame of frames) {
      send(this.#mdns[family], announcement(frame - HEADERS), MDNS_PORT, MDNS_GROUPS[family]);
    }
  }

  beacon(bytes: number): void {
    send(this.#beacon, Buffer.alloc(bytes, 0x68), BEACON_PORT, BEACON_GROUP);
  }

  close(): void {
    for (const socket of [...Object.values(this.#mdns), this.#beacon]) socket.close();
  }
}

function send(socket: Socket, message: Buffer, port: number, group: string): void {
  socket.send(message, port, group, () => {
    // Nobody answers, so nothing is lost.
  });
}
