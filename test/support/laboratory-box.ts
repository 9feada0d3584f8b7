import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { socketPath } from "../../src/demo/socket-path.js";
import { tool } from "../../src/emulator/command.js";
import type { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY, type Place } from "../../src/emulator/topology.js";
import { Child } from "../bench/child.js";
import { ROOT } from "./generated.js";

export const DEVICE = "speaker";
const PORT = 8377;

/** What the API said. */
export interface Said {
  readonly status: number;
  readonly etag: string;
  /** The content type. */
  readonly type: string;
  readonly body: unknown;
}

/** `hushbox run` in a laboratory's box, with its API within reach. */
export class LaboratoryBox {
  readonly child: Child;
  readonly #relay: Child;
  readonly #socket: string;
  readonly #token: string;

  private constructor(child: Child, relay: Child, socket: string, token: string) {
    this.child = child;
    this.#relay = relay;
    this.#socket = socket;
    this.#token = token;
  }

  /** Starts it with a configuration that `more` adds to; resolves when packets flow. Its files lie under `directory`. */
  static async start(
    laboratory: Laboratory,
    directory: string,
    more: object = {},
    place: Place = "box",
    main = join(ROOT, "build/src/main.js"),
  ): Promise<LaboratoryBox> {
    mkdirSync(directory, { recursive: true });
    const state = join(directory, "state");
    const config = join(directory, "hushbox.yaml");
    const { inside, outside } = TOPOLOGY.box;
    const devices = [{ name: DEVICE, mac: TOPOLOGY.speaker.mac }];
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ inside, outside, preset: "paper", devices, state, ...more }));
    await laboratory.run(place, [tool("ip"), "link", "set", "lo", "up"]);
    const namespace = laboratory.namespaces[place];
    const child = new Child(namespace, process.execPath, [main, "run", "--config", config]);
    // Network namespaces do not part unix sockets; where a test has its files may be too deep for one.
    const sockets = mkdtempSync(join(tmpdir(), "hushbox-api-"));
    const socket = socketPath(join(sockets, "api.sock"), "set TMPDIR to a shorter folder");
    const relay = new Child(namespace, process.execPath, [
      join(ROOT, "build/src/demo/relay-end.js"),
      socket,
      String(PORT),
    ]);
    await relay.printed(/^listening/m);
    const box = (token: string): LaboratoryBox => new LaboratoryBox(child, relay, socket, token);
    const ready = (): Promise<boolean> =>
      box("")
        .ask("GET", "/readyz")
        .then(
          ({ status }) => status === 200,
          () => false,
        );
    await child.until(ready, "become ready", 60_000);
    return box(readFileSync(join(state, "token"), "utf8").trim());
  }

  /** Asks the API, with the token where there is a body; one that is text is sent as it is. */
  ask(
    method: string,
    path: string,
    body?: object | string,
    more: Readonly<Record<string, string>> = {},
  ): Promise<Said> {
    const host = { Host: `127.0.0.1:${PORT}` };
    const change = { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" };
    const headers = { ...host, ...(body === undefined ? {} : change), ...more };
    return new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.#socket, method, path, headers, agent: false }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => (text += part));
        answer.on("end", () => {
          const type = answer.headers["content-type"] ?? "";
          const json = type.includes("json");
          resolve({
            status: answer.statusCode ?? 0,
            etag: answer.headers.etag ?? "",
            type,
            body: json ? (JSON.parse(text) as unknown) : text,
          });
        });
      });
      asked.on("error", reject);
      asked.end(body === undefined || typeof body === "string" ? body : JSON.stringify(body));
    });
  }

  /** Ends it as nobody should: kill -9. */
  async kill(): Promise<void> {
    process.kill(this.child.pid, "SIGKILL");
    await this.child.text();
    await this.#unplug();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#unplug();
    await this.child.stop(10_000);
  }

  async #unplug(): Promise<void> {
    await this.#relay.stop();
    rmSync(dirname(this.#socket), { recursive: true, force: true });
  }
}
