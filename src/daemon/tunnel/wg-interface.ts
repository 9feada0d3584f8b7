import { spawn, type ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { command, must, tool, which } from "../../emulator/command.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import type { Log } from "../../log/log.js";
import { findInterface } from "../../nic/interface.js";
import { locate } from "./endpoint-search.js";
import { followLink } from "./link-follower.js";
import type { WgFile } from "./wg-file.js";

/** How long wireguard-go may take to make its interface. */
const MADE_WITHIN = 5_000;

/** What `wg show` says of one peer. */
export interface PeerReading {
  readonly publicKey: string;
  /** Where it is now; null while nobody knows. */
  readonly endpoint: string | null;
  /** Seconds since 1970 of the last handshake; 0 before the first. */
  readonly handshake: number;
  readonly received: number;
  readonly sent: number;
}

/**
 * WireGuard's interface: the kernel's where it has the module, else wireguard-go's. Either goes with this process, however that ends: a tunnel
 * that nobody feeds would answer with bare keep-alives.
 */
export class WgInterface {
  readonly name: string;
  readonly #log: Log;
  #child: ChildProcess | undefined;
  #kind: "kernel" | "wireguard-go" = "kernel";

  constructor(name: string, log: Log) {
    this.name = name;
    this.#log = log;
  }

  get kind(): "kernel" | "wireguard-go" {
    return this.#kind;
  }

  get there(): boolean {
    return findInterface(this.name) !== null;
  }

  /** Makes it, in place of one that an earlier run left. */
  async make(): Promise<void> {
    await this.remove();
    const kernel = await command(tool("ip"), ["link", "add", this.name, "type", "wireguard"]);
    if (kernel.code === 0) {
      this.#kind = "kernel";
      this.#child = followLink(this.name);
      this.#child.once("error", (error) => {
        this.#log.warn("nobody takes WireGuard's interface away if this process is killed", { reason: error.message });
      });
      return;
    }
    if (which("wireguard-go") === null) {
      throw new HushboxError(
        "host",
        `making the WireGuard interface ${this.name}: the kernel has no WireGuard (${kernel.stderr.trim()}), and wireguard-go is not installed: apt-get install wireguard-go`,
      );
    }
    this.#kind = "wireguard-go";
    const until = performance.now() + MADE_WITHIN;
    // An earlier one that has lost its interface just now may still have its socket.
    for (;;) {
      const complaint = await this.#startProgram();
      if (complaint === null) return;
      if (performance.now() > until)
        throw new HushboxError("host", `starting wireguard-go for ${this.name}: ${complaint}`);
      await sleep(100);
    }
  }

  /** Gives it keys and peers through a pipe, and endpoints as addresses. */
  async configure(file: WgFile, keepalive: boolean): Promise<void> {
    const endpoints = new Map<string, string>();
    for (const { publicKey, endpoint, name } of file.peers) {
      if (endpoint === null) continue;
      const place = await locate(endpoint);
      if (place !== null) endpoints.set(publicKey, place);
      else this.#log.warn("the name of the tunnel's peer cannot be resolved; it is tried again", { peer: name });
    }
    // syncconf keeps the sessions of peers that stay. Through cat, since Node's pipes are sockets, which cannot be opened by a name.
    const pipe = ["-c", 'cat | "$1" syncconf "$2" /dev/stdin', "sh", tool("wg"), this.name];
    await must(`configuring ${this.name} from ${file.path}`, "/bin/sh", pipe, file.stripped(endpoints, keepalive));
  }

  /** From now on the peer is called there, in the session that it has; `endpoint`: an address with port. */
  async setEndpoint(publicKey: string, endpoint: string): Promise<void> {
    const peer = ["set", this.name, "peer", publicKey, "endpoint", endpoint];
    await must("telling WireGuard where its peer is", tool("wg"), peer);
  }

  /** By public key. */
  async read(): Promise<PeerReading[]> {
    const [handshakes, transfers, endpoints] = await Promise.all(
      ["latest-handshakes", "transfer", "endpoints"].map((what) => this.#show(what)),
    );
    return [...(handshakes ?? new Map<string, string[]>())].map(([publicKey, [handshake = "0"]]) => {
      const [received = "0", sent = "0"] = transfers?.get(publicKey) ?? [];
      const [endpoint = "(none)"] = endpoints?.get(publicKey) ?? [];
      return {
        publicKey,
        endpoint: endpoint === "(none)" ? null : endpoint,
        handshake: Number(handshake),
        received: Number(received),
        sent: Number(sent),
      };
    });
  }

  /** Idempotent. */
  async remove(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.stdin === null) child.kill("SIGTERM");
      else child.stdin.end();
      await Promise.race([ended, sleep(2_000)]);
    }
    if (this.there) await command(tool("ip"), ["link", "del", this.name]);
  }

  async #show(what: string): Promise<Map<string, string[]>> {
    // Never `wg show dump`: it prints the private key.
    const text = await must(`asking WireGuard for ${what}`, tool("wg"), ["show", this.name, what]);
    const lines = text.split("\n").filter(Boolean);
    return new Map(
      lines.map((line) => {
        const [key = "", ...rest] = line.split("\t");
        return [key, rest];
      }),
    );
  }

  /** Answers null once it listens, or what it said when it did not. */
  async #startProgram(): Promise<string | null> {
    const setpriv = which("setpriv");
    const guarded = setpriv === null ? [] : [setpriv, "--pdeathsig", "TERM"];
    const argv = [...guarded, tool("wireguard-go"), "--foreground", this.name];
    const child = spawn(argv[0] ?? "", argv.slice(1), {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", LOG_LEVEL: "error", WG_PROCESS_FOREGROUND: "1" },
    });
    this.#child = child;
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints = (complaints + text).slice(-500);
    });
    child.once("error", (error) => (complaints += error.message));
    child.once("exit", () => {
      if (this.#child === child) this.#log.error("wireguard-go ended; it is started again", { interface: this.name });
    });
    const until = performance.now() + MADE_WITHIN;
    for (;;) {
      if (this.there && (await command(tool("wg"), ["show", this.name, "listen-port"])).code === 0) return null;
      if (child.exitCode !== null || performance.now() > until) {
        this.#child = undefined;
        child.kill("SIGKILL");
        return lastLine(complaints);
      }
      await sleep(20);
    }
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() || "it said nothing";
}
