import { randomBytes } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { QUIC_PAYLOAD } from "./calibration.js";
import { QuicConnection } from "./quic-connection.js";
import {
  HANDSHAKE,
  headers,
  ID_BYTES,
  INITIAL,
  longOverhead,
  longPacket,
  opened,
  shortPacket,
  type Header,
} from "./quic-packet.js";
import { emulatedKeys, initialKeys, type Keys } from "./quic-seal.js";

/** Stands in for the certificates in the server's second datagram (A: a chain of about 3 kB shortened to what fits beside). */
const CERTIFICATE_BYTES = 1100;

interface Session {
  original: string;
  id: Buffer;
  initialIn: Keys;
  handshakeIn: Keys;
  in: Keys;
  flight: Buffer[];
  remote: RemoteInfo;
  connection: QuicConnection;
  established: boolean;
}

/** Answers QUIC-shaped connections on one address. */
export class QuicServer {
  /** Datagrams that belong to no connection, such as decoys. */
  strays = 0;

  readonly #socket: Socket;
  readonly #sessions = new Map<string, Session>();
  readonly #accept: (connection: QuicConnection) => void;

  private constructor(socket: Socket, accept: (connection: QuicConnection) => void) {
    this.#socket = socket;
    this.#accept = accept;
    socket.on("message", (datagram, remote) => {
      this.#take(datagram, remote);
    });
    socket.on("error", () => {
      // An ICMP error about an answer: whoever asked is gone, and its connection will time out.
    });
  }

  /** Binds; each new connection is handed to `accept`. */
  static async listen(
    address: string,
    port: number,
    accept: (connection: QuicConnection) => void,
  ): Promise<QuicServer> {
    const six = address.includes(":");
    const socket = six ? createSocket({ type: "udp6", ipv6Only: true }) : createSocket("udp4");
    socket.bind(port, address);
    await once(socket, "listening");
    return new QuicServer(socket, accept);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Ends all connections and unbinds. */
  close(): void {
    for (const { connection } of this.#sessions.values()) connection.destroy();
    setImmediate(() => {
      this.#socket.close();
    });
  }

  #take(datagram: Buffer, remote: RemoteInfo): void {
    for (const header of headers(datagram, ID_BYTES)) {
      const session = this.#sessions.get(header.destination.toString("hex")) ?? this.#begin(header, remote);
      if (session === null) {
        // The packets behind it may be somebody's (RFC 9000, section 12.2).
        this.strays += 1;
        continue;
      }
      session.remote = remote;
      this.#receive(session, header);
    }
  }

  #receive(session: Session, header: Header): void {
    const { connection } = session;
    const keys = { 0: session.in, [INITIAL]: session.initialIn, [HANDSHAKE]: session.handshakeIn }[header.type];
    // 0-RTT: nobody has keys for that here. Only this packet goes, not its datagram (RFC 9000, section 12.2).
    if (keys === undefined) return;
    const packet = opened(header, keys, header.type === 0 ? connection.largest : 0);
    if (packet === null) {
      connection.corrupt += 1;
      return;
    }
    if (header.type === INITIAL) {
      // The first one, or the client has not heard us: say it (again).
      if (!session.established && packet.number === 0)
        for (const datagram of session.flight) this.#send(session, datagram);
      return;
    }
    if (!session.established) {
      session.established = true;
      connection.ready();
      this.#accept(connection);
    }
    if (header.type === HANDSHAKE) connection.announce("done");
    else connection.receive(packet.number, packet.plain);
  }

  /** A session for an Initial packet that opens with the keys of its own connection ID; null for anything else. */
  #begin(header: Header, remote: RemoteInfo): Session | null {
    if (header.type !== INITIAL || header.destination.length !== ID_BYTES) return null;
    const original = Buffer.from(header.destination);
    const initialIn = initialKeys(original, "client");
    if (opened(header, initialIn, 0) === null) return null;
    const id = randomBytes(ID_BYTES);
    const out = emulatedKeys(original, "server", "1-rtt");
    let number = 0;
    const session: Session = {
      original: original.toString("hex"),
      id,
      initialIn,
      handshakeIn: emulatedKeys(original, "client", "handshake"),
      in: emulatedKeys(original, "client", "1-rtt"),
      flight: flight(original, id, header.source),
      remote,
      connection: new QuicConnection((frames) => {
        const current = number++;
        this.#send(session, shortPacket(header.source, out, current, frames));
        return current;
      }),
      established: false,
    };
    this.#sessions.set(session.original, session);
    this.#sessions.set(id.toString("hex"), session);
    session.connection.on("error", () => {
      // Told to whoever reads from it.
    });
    session.connection.once("close", () => {
      this.#sessions.delete(session.original);
      this.#sessions.delete(id.toString("hex"));
    });
    return session;
  }

  #send({ remote }: Session, datagram: Buffer): void {
    this.#socket.send(datagram, remote.port, remote.address, () => {
      // What does not leave is repeated, and what is repeated too often fails.
    });
  }
}

/** The server's side of the handshake: an Initial that acknowledges with a Handshake packet behind it, and a second datagram. */
function flight(original: Buffer, id: Buffer, client: Buffer): Buffer[] {
  const ids = { destination: client, source: id };
  const handshakeKeys = emulatedKeys(original, "server", "handshake");
  const acknowledged = Buffer.concat([Buffer.from([2, 0, 0, 0, 0]), Buffer.alloc(90)]);
  const first = longPacket(INITIAL, ids, initialKeys(original, "server"), 0, acknowledged);
  const fill = Buffer.alloc(QUIC_PAYLOAD - first.length - longOverhead(HANDSHAKE, client.length, ID_BYTES));
  fill.writeUInt8(1);
  const rest = Buffer.alloc(CERTIFICATE_BYTES);
  rest.writeUInt8(1);
  return [
    Buffer.concat([first, longPacket(HANDSHAKE, ids, handshakeKeys, 0, fill)]),
    longPacket(HANDSHAKE, ids, handshakeKeys, 1, rest),
  ];
}
