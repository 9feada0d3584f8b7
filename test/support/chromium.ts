import type { ChildProcess } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { which } from "../../src/emulator/command.js";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import type { Place } from "../../src/emulator/topology.js";
import { QUIET_CHROMIUM } from "./quiet-chromium.js";

/** Where a name leads: an address, and whether nothing but HTTP/3 is to be tried there, at port 443. */
export interface Host {
  readonly address: string;
  readonly http3: boolean;
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value: unknown };
  readonly exceptionDetails?: { readonly text: string; readonly exception?: { readonly description?: string } };
}

/** Its input and output for who drives it, among its file descriptors. */
const [INPUT, OUTPUT] = [3, 4];
const PATIENCE_MS = 30_000;

/** A Chromium without a window in one of a laboratory's places, driven over a pair of pipes by its DevTools protocol. */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #input: Duplex;
  readonly #ended: Promise<void>;
  readonly #asked = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  #loaded: (() => void) | undefined;
  #asks = 0;
  #held = "";
  #errors = "";
  #session: string | undefined;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#input = child.stdio[INPUT] as Duplex;
    this.#input.on("error", () => undefined);
    (child.stdio[OUTPUT] as Readable).setEncoding("utf8").on("data", (text: string) => {
      this.#read(text);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    const ended = new Error("Chromium ended");
    const give = (): void => {
      for (const { reject } of this.#asked.values()) reject(ended);
      this.#asked.clear();
    };
    child.once("error", give);
    this.#ended = once(child, "close").then(give, give);
  }

  /** Why there is none, or null. */
  static missing(): string | null {
    return which("chromium") === null ? "chromium is not installed (Debian package chromium)" : null;
  }

  /**
   * `profile`: a folder of its own, made anew. `certificate`: PEM, the one that is trusted, whatever its name. Names that are not among the hosts
   * lead nowhere.
   */
  static async start(
    laboratory: Laboratory,
    place: Place,
    profile: string,
    certificate: Buffer,
    hosts: Readonly<Record<string, Host>>,
  ): Promise<Chromium> {
    mkdirSync(profile, { recursive: true });
    const rules = Object.entries(hosts).map(
      ([name, { address }]) => `MAP ${name} ${address.includes(":") ? `[${address}]` : address}`,
    );
    // For HTTP/3 it takes no certificate that is merely ignored.
    const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    const trusted = createHash("sha256").update(key).digest("base64");
    const http3 = Object.entries(hosts).flatMap(([name, host]) => (host.http3 ? [`${name}:443`] : []));
    const argv = [
      which("chromium") ?? "chromium",
      ...QUIET_CHROMIUM,
      `--ignore-certificate-errors-spki-list=${trusted}`,
      `--user-data-dir=${profile}`,
      `--host-resolver-rules=${[...rules, "MAP * ~NOTFOUND"].join(", ")}`,
      ...(http3.length > 0 ? [`--origin-to-force-quic-on=${http3.join(",")}`] : []),
      "--remote-debugging-pipe",
      "about:blank",
    ];
    const child = laboratory.exec(place, argv, {
      stdio: ["ignore", "ignore", "pipe", "pipe", "pipe"],
      env: { ...process.env, HOME: profile, TMPDIR: profile, XDG_CONFIG_HOME: join(profile, "config") },
    });
    const chromium = new Chromium(child);
    try {
      const { targetId } = await chromium.#ask<{ targetId: string }>("Target.createTarget", { url: "about:blank" });
      const attach = { targetId, flatten: true };
      const { sessionId } = await chromium.#ask<{ sessionId: string }>("Target.attachToTarget", attach);
      chromium.#session = sessionId;
      await chromium.#ask("Page.enable");
      return chromium;
    } catch (error) {
      await chromium.stop();
      throw error;
    }
  }

  /** What it has printed on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Opens a page and waits until it is loaded. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#loaded = resolve));
    const { errorText } = await this.#ask<{ errorText?: string }>("Page.navigate", { url });
    if (errorText !== undefined) throw new Error(`opening ${url}: ${errorText}`);
    await within(loaded, `load ${url}`);
  }

  /** What an expression or the promise that it makes comes to, inside the page. JSON and nothing else comes over. */
  async evaluate<T>(expression: string): Promise<T> {
    const options = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails: thrown } = await this.#ask<Evaluated>("Runtime.evaluate", options);
    if (thrown !== undefined) throw new Error(`in the page: ${thrown.exception?.description ?? thrown.text}`);
    return result.value as T;
  }

  /** Closes it as a person does. Idempotent. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#session = undefined;
    void this.#ask("Browser.close").catch(() => undefined);
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await this.#ended;
    clearTimeout(late);
  }

  /** Messages are JSON, each with a zero behind it. */
  async #ask<T>(method: string, params: object = {}): Promise<T> {
    const id = ++this.#asks;
    const answer = new Promise<unknown>((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`);
    try {
      return (await within(answer, `answer ${method}`)) as T;
    } catch (error) {
      throw new Error(`${String(error)}: ${this.#errors.trim().slice(-500)}`, { cause: error });
    } finally {
      this.#asked.delete(id);
    }
  }

  #read(text: string): void {
    const parts = (this.#held + text).split("\0");
    this.#held = parts.pop() ?? "";
    for (const part of parts) {
      const { id, method, result, error } = JSON.parse(part) as Answer;
      if (method === "Page.loadEventFired") this.#loaded?.();
      const asked = id === undefined ? undefined : this.#asked.get(id);
      if (error === undefined) asked?.resolve(result);
      else asked?.reject(new Error(error.message));
    }
  }
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  let late: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      reject(new Error(`Chromium did not ${what} within ${PATIENCE_MS} ms`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(late);
  }
}
