import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";
import { HushboxError } from "../errors/hushbox-error.js";
import type { Packet } from "../packet/packet.js";
import * as ipv4 from "../wire/ipv4.js";
import * as ipv6 from "../wire/ipv6.js";

/** What we use of npm's raw-socket. */
interface RawSocket {
  send(
    buffer: Buffer,
    offset: number,
    length: number,
    address: string,
    done: (error: Error | null, bytes: number) => void,
  ): void;
  on(event: "error", listener: (error: Error) => void): void;
}
interface RawModule {
  readonly AddressFamily: { readonly IPv4: number; readonly IPv6: number };
  createSocket(options: { readonly protocol: number; readonly addressFamily: number }): RawSocket;
}

/** Takes whole IP packets and receives nothing (raw(7): IPPROTO_RAW implies IP_HDRINCL and is send only). */
const IPPROTO_RAW = 255;
/** Packets handed to the sockets and not yet sent; they hold pool slots. */
const MOST_PENDING = 64;
/** Sockets are kept for ever: raw-socket's native half does not survive being collected while polled. */
const KEPT: RawSocket[] = [];

/**
 * Sends packets on the IP layer by npm's raw-socket: the kernel chooses the route, resolves the next hop and writes the
 * Ethernet header with its own address. That also means no trailer and another source MAC than the device's, so it is an
 * option for networks that refuse frames in the device's name, not the default.
 */
export class IpSender {
  readonly #view: DataView;
  readonly #module: RawModule;
  readonly #sockets: (RawSocket | undefined)[] = [];
  #pending = 0;
  /** Packets that the kernel took. */
  routed = 0;
  /** Packets that it refused: no route, no permission. Their sender had to find another way. */
  unrouted = 0;

  /** Throws `library-missing`. */
  constructor(view: DataView) {
    this.#view = view;
    if (!isMainThread)
      throw new HushboxError("internal", "npm's raw-socket works in the main thread of a process only");
    try {
      this.#module = createRequire(import.meta.url)("raw-socket") as RawModule;
    } catch (cause) {
      throw new HushboxError(
        "library-missing",
        "npm's raw-socket is not installed or not compiled; on Debian: apt-get install g++ make python3, then npm install",
        cause,
      );
    }
  }

  /** True for a whole IP packet while there is room. */
  takes(packet: Packet): boolean {
    return packet.version !== 0 && !packet.fragment && this.#pending < MOST_PENDING;
  }

  /** Sends the IP packet of the frame in `buffer`; the frame must stay where it is until `done` hears whether the kernel took it. */
  send(packet: Packet, buffer: Buffer, done: (routed: boolean) => void): void {
    const { version, network, at, end } = packet;
    let socket: RawSocket;
    try {
      socket = this.#socket(version === 6 ? 6 : 4);
    } catch {
      this.unrouted++;
      done(false);
      return;
    }
    const address =
      version === 6
        ? ipv6.format(this.#view, network + ipv6.DESTINATION)
        : ipv4.format(ipv4.destination(this.#view, network));
    this.#pending++;
    socket.send(buffer, network - at, end - network, address, (error) => {
      this.#pending--;
      if (error === null) this.routed++;
      else this.unrouted++;
      done(error === null);
    });
  }

  #socket(version: 4 | 6): RawSocket {
    const there = this.#sockets[version];
    if (there !== undefined) return there;
    const { IPv4, IPv6 } = this.#module.AddressFamily;
    const socket = this.#module.createSocket({ protocol: IPPROTO_RAW, addressFamily: version === 6 ? IPv6 : IPv4 });
    socket.on("error", () => {
      this.#sockets[version] = undefined;
    });
    KEPT.push(socket);
    this.#sockets[version] = socket;
    return socket;
  }
}
