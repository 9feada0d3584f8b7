import { randomInt } from "node:crypto";
import { get } from "node:http";
import { messageOf } from "../errors/message-of.js";
import { tool } from "./command.js";
import { ask } from "./datagram.js";
import { A, AAAA, addressBytes, query, readAnswer, type Question } from "./dns.js";
import { ENDPOINTS } from "./endpoints.js";
import { Link } from "./link.js";
import { makePlan, type PlanOptions } from "./make-plan.js";
import { Multicast } from "./multicast.js";
import { answersTime, timeRequest } from "./ntp.js";
import type { Family, Plan, Step } from "./plan.js";
import { pings } from "./pings.js";
import { Report, type Print, type TransferLine } from "./report.js";
import { TOPOLOGY } from "./topology.js";

export interface SpeakerOptions extends PlanOptions {
  /** The speaker's own interface. */
  interface: string;
  /** Milliseconds that an answer may be late. */
  patience: number;
  print: Print;
  /** Ends the run early, in order: what has begun is finished, and lasting connections are checked once more. */
  signal: AbortSignal;
}

/** How often a lost datagram is asked for again: as stub resolvers do, so that one lost packet fails nothing. */
const RETRY = 2000;

/** Carries a plan out on real sockets. Prints a line for each transfer and a summary; answers the exit status. */
export async function runSpeaker(options: SpeakerOptions): Promise<number> {
  tool("ping");
  const plan = makePlan(options);
  const multicast = await Multicast.open(options.interface);
  const report = new Report(options.print);
  try {
    await new Performance(options, report, multicast).perform(plan);
  } finally {
    multicast.close();
  }
  return report.end();
}

class Performance {
  readonly #options: SpeakerOptions;
  readonly #report: Report;
  readonly #multicast: Multicast;
  readonly #links = new Map<number, Link>();
  readonly #pending = new Set<Promise<void>>();
  #transfers = 0;

  constructor(options: SpeakerOptions, report: Report, multicast: Multicast) {
    this.#options = options;
    this.#report = report;
    this.#multicast = multicast;
  }

  async perform({ steps, duration }: Plan): Promise<void> {
    const { signal } = this.#options;
    const begun = performance.now();
    this.#options.print({ began: Date.now() });
    for (const step of steps) {
      await pause(begun + step.at / 1000 - performance.now(), signal);
      // Told to stop: only what the plan does at its end is still done, on connections that are open.
      if (signal.aborted && !(step.at >= duration && "connection" in step && this.#links.has(step.connection)))
        continue;
      const running = this.#do(step);
      this.#pending.add(running);
      void running.finally(() => this.#pending.delete(running));
    }
    for (const link of this.#links.values()) this.#pending.add(link.close());
    await Promise.all(this.#pending);
  }

  async #do(step: Step): Promise<void> {
    switch (step.action) {
      case "connect": {
        const { connection, transport, endpoint, family, keepAlive } = step;
        const options = { transport, endpoint, family, keepAlive: keepAlive / 1000, patience: this.#options.patience };
        this.#links.set(connection, new Link(options, this.#report));
        return;
      }
      case "transfer":
        return this.#links.get(step.connection)?.transfer({ ...step, number: this.#transfers++ });
      case "probe":
        this.#links.get(step.connection)?.probe();
        return;
      case "close": {
        const link = this.#links.get(step.connection);
        this.#links.delete(step.connection);
        return link?.close();
      }
      case "resolve":
        return this.#timed("dns", () => this.#resolve(step.endpoint, step.family));
      case "time":
        return this.#timed("ntp", () => this.#time(step.family));
      case "check":
        return this.#timed("http", () => this.#check(step.family));
      case "ping":
        return this.#timed("ping", () => this.#ping(step));
      case "announce":
        this.#multicast.announce(step.family, step.frames);
        return;
      case "beacon":
        this.#multicast.beacon(step.bytes);
    }
  }

  /** Reports an exchange that answers its bytes, or throws why it failed. */
  async #timed(
    protocol: TransferLine["protocol"],
    exchange: () => Promise<{ bytes: number; ok: boolean }>,
  ): Promise<void> {
    const transfer = this.#transfers++;
    const begun = performance.now();
    try {
      const { bytes, ok } = await exchange();
      const line = { transfer, bytes, protocol, seconds: (performance.now() - begun) / 1000 };
      this.#report.ended(line, ok ? "ok" : "bad", ok ? "" : "a wrong answer");
    } catch (error) {
      const line = { transfer, bytes: 0, protocol, seconds: (performance.now() - begun) / 1000 };
      this.#report.ended(line, "failed", messageOf(error));
    }
  }

  async #resolve(name: keyof typeof ENDPOINTS, family: Family): Promise<{ bytes: number; ok: boolean }> {
    const { v4, v6, name: host } = ENDPOINTS[name];
    const type = family === 6 ? AAAA : A;
    const question: Question = { id: randomInt(0x10000), name: host, type };
    const request = query(question);
    const server = family === 6 ? ENDPOINTS.resolver.v6 : ENDPOINTS.resolver.v4;
    const accept = (message: Buffer) => {
      const answer = readAnswer(message, question);
      return answer?.id === question.id ? { answer, bytes: message.length } : null;
    };
    const found = await ask(server, ENDPOINTS.resolver.port, request, accept, {
      retry: RETRY,
      patience: this.#options.patience,
    });
    if (found === null) throw new Error(`no answer about ${host}`);
    const { code, addresses } = found.answer;
    const expected = addressBytes(family === 6 ? v6 : v4);
    return {
      bytes: request.length + found.bytes,
      ok: code === 0 && addresses.length === 1 && expected.equals(addresses[0] ?? Buffer.alloc(0)),
    };
  }

  async #time(family: Family): Promise<{ bytes: number; ok: boolean }> {
    const { v4, v6, port } = ENDPOINTS.time;
    const request = timeRequest(Date.now());
    const accept = (message: Buffer) => message;
    const patience = { retry: RETRY, patience: this.#options.patience };
    const answer = await ask(family === 6 ? v6 : v4, port, request, accept, patience);
    if (answer === null) throw new Error("no answer about the time");
    return { bytes: request.length + answer.length, ok: answersTime(request, answer) };
  }

  #check(family: Family): Promise<{ bytes: number; ok: boolean }> {
    const { v4, v6, port, name } = ENDPOINTS.check;
    const options = {
      host: family === 6 ? v6 : v4,
      port,
      path: "/generate_204",
      agent: false,
      headers: { host: name },
    };
    return new Promise((resolve, reject) => {
      const request = get({ ...options, timeout: this.#options.patience }, (response) => {
        response.resume();
        response.once("end", () => {
          const bytes = (request.socket?.bytesRead ?? 0) + (request.socket?.bytesWritten ?? 0);
          resolve({ bytes, ok: response.statusCode === 204 });
        });
      });
      request.once("timeout", () => request.destroy(new Error("no answer from the connectivity check")));
      request.once("error", reject);
    });
  }

  async #ping({
    target,
    family,
    count,
    every,
  }: Extract<Step, { action: "ping" }>): Promise<{ bytes: number; ok: boolean }> {
    const { v4, v6 } = target === "gateway" ? TOPOLOGY.router : ENDPOINTS.resolver;
    const address = family === 6 ? v6 : v4;
    const { patience } = this.#options;
    const { received, said } = await pings(address, { count, every: every / 1000, patience });
    if (received !== count)
      throw new Error(`${address} answered ${String(received)} of ${String(count)} pings ${said}`.trim());
    // 64 bytes of ICMP each way.
    return { bytes: count * 128, ok: true };
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener("abort", finish);
  });
}
