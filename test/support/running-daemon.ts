import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Test } from "tap";
import { ConfigFile } from "../../src/config/config-file.js";
import { Daemon, type DaemonModules } from "../../src/daemon/daemon.js";
import type { SavedState } from "../../src/datapath/handle.js";
import type { LogFields, LogLevel } from "../../src/log/log.js";
import type { OpenLog } from "../../src/log/open-log.js";
import type { Bridge } from "../../src/nic/bridge.js";
import type { Guarded } from "../../src/nic/guard-table.js";
import type { BridgeModules } from "../../src/daemon/bridging.js";
import { DatapathTwin } from "./datapath-twin.js";

export const CONFIG = `# Ours.
inside: in0
outside: out0
preset: paper # for now
devices:
  - {name: kitchen, mac: "aa:bb:cc:dd:ee:ff"} # by the stove
  - {name: hall, mac: "aa:bb:cc:dd:ee:fe", preset: off}
`;

/** A log that a test can read. */
export class LogTwin implements OpenLog {
  readonly lines: { level: LogLevel; message: string; fields: LogFields }[] = [];
  level: LogLevel = "info";
  error = this.#at("error");
  warn = this.#at("warn");
  info = this.#at("info");
  debug = this.#at("debug");

  setLevel(level: LogLevel): void {
    this.level = level;
  }

  #at(level: LogLevel) {
    return (message: string, fields: LogFields = {}): void => {
      this.lines.push({ level, message, fields });
    };
  }
}

/** Offloads that are only remembered. */
export class OffloadsTwin {
  readonly calls: string[] = [];
  left: string[] = [];
  stuck: string[] = [];
  fails: Error | undefined;

  recover(): string[] {
    this.calls.push("recover");
    return this.left;
  }

  turnOff(name: string): { interface: string; off: string[]; stuck: string[] } {
    if (this.fails !== undefined) throw this.fails;
    this.calls.push(`off ${name}`);
    return { interface: name, off: ["rx-gro"], stuck: this.stuck };
  }

  putBack(): string[] {
    this.calls.push("put back");
    return [];
  }
}

/** A kernel whose bridge is what a test says. */
export class BridgesTwin implements BridgeModules {
  bridge: Bridge | null = null;
  table: Guarded | null = null;
  fails: Error | undefined;
  unreadable: Error | undefined;
  filtering: string[] = [];
  changes = 0;
  #told = 0;

  readonly read = (): Bridge | null => {
    if (this.unreadable !== undefined) throw this.unreadable;
    return this.bridge;
  };
  readonly heard = (): boolean => {
    const news = this.changes > this.#told;
    this.#told = this.changes;
    return news;
  };
  readonly close = (): void => undefined;
  readonly filters = (): string[] => this.filtering;
  readonly guard = {
    load: (guarded: Guarded): void => {
      if (this.fails !== undefined) throw this.fails;
      this.table = guarded;
    },
    remove: (): boolean => {
      const was = this.table !== null;
      this.table = null;
      return was;
    },
    look: (guarded: Guarded): "as wanted" | "another" | null => {
      if (this.table === null) return null;
      return isDeepStrictEqual(this.table, guarded) ? "as wanted" : "another";
    },
  };

  /** As when somebody runs `ip link`. */
  set(bridge: Bridge | null): void {
    this.bridge = bridge;
    this.changes++;
  }
}

/** A daemon whose cards are not there. */
export interface Bench {
  readonly daemon: Daemon;
  readonly twin: DatapathTwin;
  readonly log: LogTwin;
  readonly offloads: OffloadsTwin;
  readonly bridges: BridgesTwin;
  readonly notes: string[];
  readonly path: string;
  readonly state: string;
  readonly token: string;
  saved: SavedState | null;
}

export interface BenchOptions {
  readonly config?: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly modules?: Partial<DaemonModules>;
}

/** Lays out a directory with a configuration whose state and port are its own. */
export function layOut(t: Test, config = CONFIG): { path: string; state: string } {
  // Not t.testdir: a test may lay out more than one.
  const directory = mkdtempSync(join(tmpdir(), "hushbox-test-"));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const path = join(directory, "hushbox.yaml");
  const state = join(directory, "state");
  const listen = /^api:/m.test(config) ? "" : "api: {listen: 127.0.0.1:0}\n";
  const keeps = /^state:/m.test(config) ? "" : `state: ${state}\n`;
  writeFileSync(path, `${config}${keeps}${listen}`);
  return { path, state };
}

/** Starts a daemon on a twin of the datapath; it stops with the test. */
export async function startBench(t: Test, options: BenchOptions = {}): Promise<Bench> {
  const { path, state } = layOut(t, options.config);
  const log = new LogTwin();
  const offloads = new OffloadsTwin();
  const bridges = new BridgesTwin();
  const notes: string[] = [];
  const made: { twin?: DatapathTwin; saved: SavedState | null } = { saved: null };
  const daemon = new Daemon(ConfigFile.read(path), {
    version: "1.2.3",
    log,
    environment: options.environment ?? {},
    notify: (text) => {
      notes.push(text);
      return true;
    },
    startDatapath: (_cards, wanted, saved) => {
      made.twin = new DatapathTwin(wanted);
      made.saved = saved;
      return Promise.resolve(made.twin);
    },
    bridges: () => bridges,
    offloads: () => offloads,
    makeTunnel: () => {
      throw new Error("no tunnel was asked for");
    },
    ...options.modules,
  });
  t.teardown(() => daemon.stop());
  await daemon.start();
  if (made.twin === undefined) throw new Error("the datapath was not started");
  const token = readFileSync(daemon.settings.tokenFile, "utf8").trim();
  return { daemon, twin: made.twin, log, offloads, bridges, notes, path, state, token, saved: made.saved };
}

/** An answer with its body as text and, where it is JSON, as a value. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent as it is instead of `body`. */
  readonly raw?: string | Buffer;
}

/** One request over a real socket, with the headers that are given and no others. */
export function ask(
  bench: { daemon: { url: string | null } },
  path: string,
  { method = "GET", headers = {}, body, raw }: Ask = {},
): Promise<Reply> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  return new Promise((resolve, reject) => {
    const asked = request(
      `${bench.daemon.url ?? ""}${path}`,
      { method, headers: { ...type, ...headers }, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => {
          const json: unknown =
            /json/.test(response.headers["content-type"] ?? "") && text !== "" ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
        });
      },
    );
    asked.on("error", reject);
    asked.end(payload);
  });
}

/** The header that changes need. */
export function bearer(bench: Bench): { Authorization: string } {
  return { Authorization: `Bearer ${bench.token}` };
}
