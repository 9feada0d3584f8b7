import { createHash, type Hash } from "node:crypto";
import { createInterface } from "node:readline";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { which } from "../../src/emulator/command.js";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import type { Place } from "../../src/emulator/topology.js";
import { until } from "./talking.js";

/** What somebody sent to the server. */
export interface Upload {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/**
 * ngtcp2's server of files over HTTP/3. It throws away what is sent to it, but prints it first: that is where the uploads come from.
 */
export class Http3Server {
  readonly uploads: Upload[] = [];
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Of the requests that are under way, by their stream's name. */
  readonly #open = new Map<string, { bytes: number; hash: Hash }>();
  #body: { bytes: number; hash: Hash } | undefined;

  /** `directory`: what it serves. `key` and `certificate`: files. */
  constructor(laboratory: Laboratory, place: Place, port: number, directory: string, key: string, certificate: string) {
    const argv = [
      which("gtlsserver") ?? "gtlsserver",
      "--no-quic-dump",
      "-d",
      directory,
      "*",
      String(port),
      key,
      certificate,
    ];
    this.#process = laboratory.exec(place, argv, { stdio: ["ignore", "ignore", "pipe"] });
    this.#ended = once(this.#process, "close");
    const { stderr } = this.#process;
    if (stderr === null) throw new Error("its standard error is not a pipe");
    createInterface({ input: stderr }).on("line", (line) => {
      this.#read(line);
    });
  }

  /** Why there is none, or null. */
  static missing(): string | null {
    return which("gtlsserver") === null ? "gtlsserver is not installed (Debian package ngtcp2-server)" : null;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** An upload, counted from 0; undefined where it is not there within 5 seconds. */
  async upload(number: number): Promise<Upload | undefined> {
    await until(() => this.uploads.length > number);
    return this.uploads[number];
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    this.#process.kill("SIGTERM");
    await this.#ended;
  }

  /** A dump's lines: an offset, sixteen bytes, and the same as text; nothing but the last line is shorter. */
  #read(line: string): void {
    const dumped = /^[0-9a-f]{8}(?: {1,2}[0-9a-f]{2})+/.exec(line);
    if (dumped !== null) {
      if (this.#body === undefined) return;
      const bytes = Buffer.from(dumped[0].slice(8).replaceAll(" ", ""), "hex");
      this.#body.hash.update(bytes);
      this.#body.bytes += bytes.length;
      return;
    }
    const [, stream = "", what = ""] = /^http: stream (0x[0-9a-f]+) (.*)/.exec(line) ?? [];
    if (stream === "") return;
    this.#body = undefined;
    if (what === "[:method: POST]") this.#open.set(stream, { bytes: 0, hash: createHash("sha256") });
    else if (what.startsWith("body ")) this.#body = this.#open.get(stream);
    else if (what === "submit response headers") {
      const whole = this.#open.get(stream);
      if (whole === undefined) return;
      this.uploads.push({ bytes: whole.bytes, sha256: whole.hash.digest("hex") });
      this.#open.delete(stream);
    }
  }
}
