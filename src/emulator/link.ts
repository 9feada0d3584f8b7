import { connect as connectTls, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { ENDPOINTS, type EndpointName } from "./endpoints.js";
import { speak, type Transfer } from "./exchange.js";
import { Inbox } from "./inbox.js";
import { lasting, type Family, type Transport } from "./plan.js";
import { quicConnect } from "./quic-client.js";
import { QuicConnection } from "./quic-connection.js";
import { changed, reasons, type Report } from "./report.js";

export interface LinkOptions {
  transport: Transport;
  endpoint: EndpointName;
  family: Family;
  /** Idle milliseconds after which the kernel probes the connection; 0 for never. */
  keepAlive: number;
  /** Milliseconds that an answer may be late. */
  patience: number;
}

/** One connection of the speaker. Transfers follow one another; whatever goes wrong is a line in the report, never an exception. */
export class Link {
  readonly #stream: TLSSocket | QuicConnection;
  readonly #inbox: Inbox;
  readonly #options: LinkOptions;
  readonly #report: Report;
  readonly #reason: (caught: unknown) => string;
  #last: Promise<void> = Promise.resolve();
  /** We have ended it. */
  #over = false;

  constructor(options: LinkOptions, report: Report) {
    this.#options = options;
    this.#report = report;
    this.#stream = open(options);
    this.#reason = reasons(this.#stream);
    this.#inbox = new Inbox(this.#stream);
    report.summary.connections += 1;
    this.#stream.once("close", () => {
      if (!this.#over) report.summary.broken += 1;
    });
  }

  /** Does a transfer behind the earlier ones. */
  transfer(transfer: Transfer): Promise<void> {
    return (this.#last = this.#last.then(() => this.#transfer(transfer)));
  }

  /** Sends a keep-alive where the kernel does not do it. */
  probe(): void {
    if (this.#stream instanceof QuicConnection) this.#stream.ping();
  }

  /** Closes behind the transfers. */
  close(): Promise<void> {
    return (this.#last = this.#last.then(() => this.#close()));
  }

  async #transfer(transfer: Transfer): Promise<void> {
    const stream = this.#stream;
    const { transport: protocol, patience } = this.#options;
    const planned = (lasting(transfer.up) + transfer.wait + lasting(transfer.down)) / 1000;
    const timer = setTimeout(() => {
      stream.destroy(new Error(`no end within ${((planned + patience) / 1000).toFixed(1)} s`));
    }, planned + patience);
    const begun = performance.now();
    const line = (bytes: number) => ({
      transfer: transfer.number,
      bytes,
      protocol,
      seconds: (performance.now() - begun) / 1000,
    });
    try {
      if (stream.destroyed) throw new Error("the connection is gone");
      const { bytes, ok } = await speak(stream, this.#inbox, transfer);
      if (stream instanceof QuicConnection && stream.corrupt > 0) {
        this.#report.ended(line(bytes), "bad", "the seal of a packet was broken");
      } else this.#report.ended(line(bytes), ok ? "ok" : "bad", ok ? "" : "the hashes differ");
    } catch (error) {
      // Errors of the stream come in a turn of their own.
      await new Promise((resolve) => setImmediate(resolve));
      const reason = this.#reason(error);
      this.#report.ended(line(0), changed(reason) ? "bad" : "failed", `${this.#options.endpoint}: ${reason}`);
      stream.destroy();
    } finally {
      clearTimeout(timer);
    }
  }

  async #close(): Promise<void> {
    const stream = this.#stream;
    if (stream instanceof QuicConnection) this.#report.summary.repeated += stream.repeated;
    if (stream.destroyed) return;
    this.#over = true;
    // Reading on, so that the other end's goodbye is seen.
    stream.end();
    const timer = setTimeout(() => stream.destroy(), 1000);
    const closed = once(stream, "close");
    await this.#inbox.more().catch(() => false);
    await closed.catch(() => undefined);
    clearTimeout(timer);
  }
}

function open({ transport, endpoint, family, keepAlive }: LinkOptions): TLSSocket | QuicConnection {
  const { name, port, v4, v6 } = ENDPOINTS[endpoint];
  const host = family === 6 ? v6 : v4;
  if (transport === "quic") return quicConnect(host, port);
  // The cloud's certificate is made anew at each start; what guards the bytes are the hashes.
  const socket = connectTls({ host, port, servername: name, rejectUnauthorized: false });
  socket.setNoDelay(true);
  if (keepAlive > 0) socket.setKeepAlive(true, Math.max(1000, keepAlive));
  return socket;
}
