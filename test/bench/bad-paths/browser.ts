import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENDPOINTS } from "../../../src/emulator/endpoints.js";
import type { Laboratory } from "../../../src/emulator/laboratory.js";
import { browse } from "../../support/browse.js";
import { Chromium } from "../../support/chromium.js";
import { ROOT } from "../../support/generated.js";
import { Http3Server } from "../../support/http3-server.js";
import { Child } from "../child.js";

const { voice: QUIC, artwork: WEB } = ENDPOINTS;
/** Of the server that speaks HTTP/2. */
const PORT = 9443;
const BYTES_UP = 450_000;

/** Chromium in the speaker's place, anew for each call, and its HTTP/2 server in the world. */
export class Browser {
  readonly #laboratory: Laboratory;
  readonly #http3: Http3Server;
  readonly #hash: string;
  readonly #certificate: Buffer;
  readonly #http2: Child;

  private constructor(laboratory: Laboratory, http3: Http3Server, hash: string, certificate: Buffer, http2: Child) {
    this.#laboratory = laboratory;
    this.#http3 = http3;
    this.#hash = hash;
    this.#certificate = certificate;
    this.#http2 = http2;
  }

  /** `docs`: the folder that the HTTP/3 server serves, with the `file` that has this SHA-256. `key` and `certificate`: files. */
  static async start(
    laboratory: Laboratory,
    http3: Http3Server,
    docs: string,
    hash: string,
    key: string,
    certificate: string,
  ): Promise<Browser> {
    writeFileSync(join(docs, "index.html"), "<!doctype html><link rel=icon href=data:,>");
    const program = join(ROOT, "build/test/support/file-server.js");
    const argv = [program, String(PORT), join(docs, "file"), key, certificate, "h2"];
    const http2 = new Child(laboratory.namespaces.world, process.execPath, argv);
    const browser = new Browser(laboratory, http3, hash, readFileSync(certificate), http2);
    try {
      await http2.printed(/^ready/m);
      return browser;
    } catch (error) {
      await browser.stop();
      throw error;
    }
  }

  /** Throws where its server ended. */
  check(): void {
    if (!this.#http2.running) throw new Error(`the browser's HTTP/2 server ended early: ${this.#http2.errors}`);
  }

  async stop(): Promise<void> {
    await this.#http2.stop();
  }

  /** A file down and random bytes up, by HTTP/3 and then by HTTP/2. `profile`: a folder that is not there yet. Milliseconds in the page. */
  async call(
    profile: string,
    family: "v4" | "v6",
  ): Promise<readonly [result: "right" | "wrong" | "failed", why: string, ms: number]> {
    const hosts = {
      "h3.hushbox.example": { address: QUIC[family], http3: true },
      "h2.hushbox.example": { address: WEB[family], http3: false },
    };
    const chromium = await Chromium.start(this.#laboratory, "speaker", profile, this.#certificate, hosts);
    const uploads = this.#http3.uploads.length;
    try {
      const three = await browse(chromium, "https://h3.hushbox.example", "/file", BYTES_UP);
      const two = await browse(chromium, `https://h2.hushbox.example:${PORT}`, "/file", BYTES_UP);
      const ms = three.ms + two.ms;
      const protocols = [...new Set([...three.protocols, ...two.protocols])].join(" ");
      if (protocols !== "h3 h2") return ["failed", `it spoke ${protocols}`, ms];
      const arrived = (await this.#http3.upload(uploads))?.sha256;
      const right =
        three.down.sha256 === this.#hash &&
        two.down.sha256 === this.#hash &&
        arrived === three.up.sha256 &&
        two.answer === two.up.sha256;
      return right ? ["right", "", ms] : ["wrong", "the hashes differ", ms];
    } finally {
      await chromium.stop();
    }
  }
}
