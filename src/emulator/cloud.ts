import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer } from "node:tls";
import { HushboxError } from "../errors/hushbox-error.js";
import { selfSigned } from "./certificate.js";
import { AAAA, addressBytes, answerTo, readQuery } from "./dns.js";
import { CLOUD_ADDRESSES, ENDPOINTS } from "./endpoints.js";
import { answer } from "./exchange.js";
import { Inbox } from "./inbox.js";
import { timeAnswer } from "./ntp.js";
import { QuicConnection } from "./quic-connection.js";
import { QuicServer } from "./quic-server.js";
import { changed, reasons, Report, type Print } from "./report.js";

export interface CloudOptions {
  print: Print;
  /** Ends the cloud. */
  signal: AbortSignal;
}

/** All services of the cloud, on all its addresses, until told to stop. Prints a line when ready, one for each transfer, and a summary. */
export async function runCloud({ print, signal }: CloudOptions): Promise<number> {
  const report = new Report(print);
  const closers: (() => void)[] = [];
  try {
    const tls = await tlsServers(report);
    const http = createHttpServer((_request, response) => {
      response.writeHead(204);
      response.end();
    });
    for (const [server, port] of [...tls, [http, ENDPOINTS.check.port] as const]) {
      // One socket for both families and all addresses: TCP answers from the address that was asked.
      await listening(server, port);
      closers.push(() => server.close());
    }
    for (const address of CLOUD_ADDRESSES) {
      const quic = await QuicServer.listen(address, ENDPOINTS.telemetry.port, (connection) => {
        void serve(connection, "quic", report);
      });
      closers.push(() => {
        quic.close();
      });
    }
    for (const socket of [
      ...(await answering(ENDPOINTS.resolver, resolved)),
      ...(await answering(ENDPOINTS.time, timed)),
    ]) {
      closers.push(() => {
        socket.close();
      });
    }
    print({ ready: true });
    if (!signal.aborted) await once(signal, "abort");
  } finally {
    for (const close of closers) close();
  }
  return report.end();
}

async function tlsServers(report: Report): Promise<[Server, number][]> {
  const identity = await selfSigned("cloud.example");
  return [ENDPOINTS.voice.port, ENDPOINTS.push.port].map((port) => {
    const server = createTlsServer(identity, (socket) => {
      // Nagle's algorithm stays on: a burst then leaves in full frames, as measured.
      void serve(socket, "tls", report);
    });
    server.on("tlsClientError", () => {
      // Somebody who speaks no TLS, such as a decoy.
    });
    return [server, port];
  });
}

async function listening(server: Server, port: number): Promise<void> {
  server.listen(port, "::");
  try {
    await once(server, "listening");
  } catch (error) {
    throw new HushboxError(
      "host",
      `starting the cloud: listening on TCP port ${String(port)}: ${String(error)}`,
      error,
    );
  }
}

/** Answers transfers on one connection until it ends. */
async function serve(stream: Duplex, protocol: "tls" | "quic", report: Report): Promise<void> {
  const reason = reasons(stream);
  const inbox = new Inbox(stream);
  let transfer = -1;
  try {
    for (;;) {
      if (!(await inbox.more())) break;
      const begun = performance.now();
      const outcome = await answer(stream, inbox);
      transfer = outcome.number;
      const corrupt = stream instanceof QuicConnection && stream.corrupt > 0;
      const { bytes, ok } = outcome;
      report.ended(
        { transfer, bytes, protocol, seconds: (performance.now() - begun) / 1000 },
        ok && !corrupt ? "ok" : "bad",
      );
    }
    stream.end();
  } catch (error) {
    // A speaker that closes a silent connection without more ado has broken nothing.
    if (inbox.begun) {
      await new Promise((resolve) => setImmediate(resolve));
      const why = reason(error);
      report.ended({ transfer: transfer + 1, bytes: 0, protocol, seconds: 0 }, changed(why) ? "bad" : "failed", why);
    }
    stream.destroy();
  }
  if (stream instanceof QuicConnection) report.summary.repeated += stream.repeated;
}

/** Sockets that answer single datagrams at an endpoint, one for each family. */
async function answering(
  endpoint: { v4: string; v6: string; port: number },
  reply: (message: Buffer) => Buffer | null,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (const address of [endpoint.v4, endpoint.v6]) {
    const socket = address.includes(":") ? createSocket({ type: "udp6", ipv6Only: true }) : createSocket("udp4");
    socket.bind(endpoint.port, address);
    await once(socket, "listening");
    socket.on("message", (message, { port, address: from }) => {
      const answered = reply(message);
      if (answered !== null) socket.send(answered, port, from);
    });
    socket.on("error", () => {
      // An ICMP error about an answer: whoever asked is gone.
    });
    sockets.push(socket);
  }
  return sockets;
}

function resolved(message: Buffer): Buffer | null {
  const question = readQuery(message);
  if (question === null) return null;
  const found = Object.values(ENDPOINTS).find(({ name }) => name === question.name);
  return answerTo(question, found === undefined ? null : [addressBytes(question.type === AAAA ? found.v6 : found.v4)]);
}

function timed(message: Buffer): Buffer | null {
  return timeAnswer(message, Date.now());
}
