import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { QUIC_PAYLOAD } from "./calibration.js";
import { QuicConnection } from "./quic-connection.js";
import { HANDSHAKE, headers, ID_BYTES, INITIAL, longOverhead, longPacket, opened, shortPacket } from "./quic-packet.js";
import { emulatedKeys, initialKeys } from "./quic-seal.js";

const RETRY_DELAY = 300;
const TRIES = 10;
const NO_ID = Buffer.alloc(0);

/**
 * Opens a QUIC-shaped connection. The shape is that of a browser's: an Initial padded to a full datagram, an empty connection
 * ID on the client's side (so that an acknowledgement down is 66 to 70 bytes, as measured), 1-RTT packets after one round trip.
 */
export function quicConnect(address: string, port: number): QuicConnection {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const original = randomBytes(ID_BYTES);
  const keys = {
    initialOut: initialKeys(original, "client"),
    initialIn: initialKeys(original, "server"),
    handshakeOut: emulatedKeys(original, "client", "handshake"),
    handshakeIn: emulatedKeys(original, "server", "handshake"),
    out: emulatedKeys(original, "client", "1-rtt"),
    in: emulatedKeys(original, "server", "1-rtt"),
  };
  let peer: Buffer | null = null;
  let confirmed = false;
  let tries = 0;
  let number = 0;
  let timer: NodeJS.Timeout | null = null;
  let connected = false;

  const send = (datagram: Buffer): void => {
    if (!connected) return;
    socket.send(datagram, () => {
      // What does not leave is repeated, and what is repeated too often fails.
    });
  };
  const connection = new QuicConnection((frames) => {
    const current = number++;
    if (peer !== null) send(shortPacket(peer, keys.out, current, frames));
    return current;
  });

  /** Sends what the handshake needs now, again and again until the other end has answered with a 1-RTT packet. */
  const shake = (): void => {
    if (connection.destroyed || confirmed) return;
    if (tries++ === TRIES) {
      connection.destroy(new Error("no answer to a QUIC handshake"));
      return;
    }
    send(peer === null ? hello() : finished(peer));
    timer = setTimeout(shake, RETRY_DELAY);
  };
  const hello = (): Buffer => {
    const plain = Buffer.alloc(QUIC_PAYLOAD - longOverhead(INITIAL, ID_BYTES, 0));
    plain.writeUInt8(1);
    return longPacket(INITIAL, { destination: original, source: NO_ID }, keys.initialOut, 0, plain);
  };
  const finished = (server: Buffer): Buffer => {
    // RFC 9000, section 14.1: a datagram with an Initial packet is at least 1200 bytes.
    const ids = { destination: server, source: NO_ID };
    const last = longPacket(HANDSHAKE, ids, keys.handshakeOut, 0, Buffer.concat([Buffer.from([1]), Buffer.alloc(60)]));
    const plain = Buffer.alloc(1200 - last.length - longOverhead(INITIAL, ID_BYTES, 0));
    Buffer.from([2, 0, 0, 0, 0]).copy(plain);
    return Buffer.concat([longPacket(INITIAL, ids, keys.initialOut, 1, plain), last]);
  };

  socket.on("message", (datagram) => {
    for (const header of headers(datagram, 0)) {
      if (header.type === 0) {
        const packet = opened(header, keys.in, connection.largest);
        if (packet === null) {
          connection.corrupt += 1;
          continue;
        }
        confirmed = true;
        connection.receive(packet.number, packet.plain);
      } else if (header.type !== INITIAL && header.type !== HANDSHAKE) {
        // No keys for that here: only this packet goes, not its datagram (RFC 9000, section 12.2).
        continue;
      } else if (opened(header, header.type === INITIAL ? keys.initialIn : keys.handshakeIn, 0) === null) {
        connection.corrupt += 1;
      } else if (header.type === HANDSHAKE && peer === null) {
        peer = Buffer.from(header.source);
        if (timer !== null) clearTimeout(timer);
        shake();
        connection.ready();
      }
    }
  });
  socket.on("error", () => {
    // An ICMP error about a datagram is no reason to give up (RFC 9000, section 14.2.1 treats only size); silence is.
  });
  connection.once("close", () => {
    if (timer !== null) clearTimeout(timer);
    // The last datagrams are still being handed to the kernel.
    setImmediate(() => {
      socket.close();
    });
  });
  socket.connect(port, address, () => {
    connected = true;
    shake();
  });
  return connection;
}
