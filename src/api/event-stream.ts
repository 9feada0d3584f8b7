import type { ServerResponse } from "node:http";

/** What a listener costs is bounded: so many of them, and so many bytes that one has not read yet. */
const MAX_CLIENTS = 16;
const MAX_BACKLOG = 64 * 1024;
const STATUS_EVERY = 1000;
/** Proxies close silent connections; a comment keeps one open should events ever be rarer. */
const HEARTBEAT_EVERY = 15_000;

/**
 * Server-sent events (WHATWG HTML, 9.2) to any number of readers up to the bound: the status once a second, and what others publish. A
 * reader that does not read is cut off; it reconnects by itself. Nothing runs while nobody listens.
 */
export class EventStream {
  readonly #status: () => unknown;
  readonly #clients = new Set<ServerResponse>();
  #timers: NodeJS.Timeout[] = [];
  #id = 0;
  /** Readers that were cut off because they did not read. */
  cut = 0;

  constructor(status: () => unknown) {
    this.#status = status;
  }

  get clients(): number {
    return this.#clients.size;
  }

  get full(): boolean {
    return this.#clients.size >= MAX_CLIENTS;
  }

  /** Takes a response over until its reader goes. `headers`: what hooks have set so far. */
  add(response: ServerResponse, headers: Readonly<Record<string, number | string | string[] | undefined>>): void {
    response.on("close", () => {
      this.#remove(response);
    });
    // A reader that resets the connection is an ordinary goodbye.
    response.on("error", () => {
      this.#remove(response);
    });
    const own = {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      "X-Accel-Buffering": "no",
    };
    response.writeHead(200, { ...headers, ...own });
    response.socket?.setNoDelay(true);
    this.#clients.add(response);
    this.#send(response, `retry: 2000\n\n${this.#event("status", this.#status())}`);
    if (this.#timers.length === 0) this.#begin();
  }

  /** Tells every reader. */
  publish(name: string, data: unknown): void {
    if (this.#clients.size > 0) this.#sendAll(this.#event(name, data));
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#clients) response.end();
    this.#clients.clear();
    this.#rest();
  }

  #begin(): void {
    this.#timers = [
      setInterval(() => {
        this.publish("status", this.#status());
      }, STATUS_EVERY),
      setInterval(() => {
        this.#sendAll(": still here\n\n");
      }, HEARTBEAT_EVERY),
    ];
  }

  #rest(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  #remove(response: ServerResponse): void {
    this.#clients.delete(response);
    if (this.#clients.size === 0) this.#rest();
  }

  #sendAll(text: string): void {
    for (const response of this.#clients) this.#send(response, text);
  }

  #send(response: ServerResponse, text: string): void {
    if (response.writableLength > MAX_BACKLOG) {
      this.cut++;
      response.destroy();
      this.#remove(response);
      return;
    }
    response.write(text);
  }

  #event(name: string, data: unknown): string {
    return `id: ${++this.#id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  }
}
