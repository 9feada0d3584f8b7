import type { Duplex } from "node:stream";
import { messageOf } from "../errors/message-of.js";

/** One transfer, as it is printed: a line of JSON. */
export interface TransferLine {
  transfer: number;
  bytes: number;
  /** True: every byte arrived as it was sent, both ways. */
  ok: boolean;
  protocol: "tls" | "quic" | "http" | "dns" | "ntp" | "ping";
  seconds: number;
  /** Why it is not ok. */
  reason?: string;
}

/** The last line. */
export interface Summary {
  transfers: number;
  /** Transfers that came to their end with a wrong byte. */
  bad: number;
  /** Transfers that did not come to their end. */
  failed: number;
  bytes: number;
  /** QUIC packets sent again: loss or reordering on the way. */
  repeated: number;
  /** Connections of the speaker, and those that ended before it ended them, between two transfers too. */
  connections: number;
  broken: number;
}

/** Where lines go: standard output in the program, an array in tests. */
export type Print = (line: object) => void;

/** Whether an error of TLS says that somebody changed a byte on the way. */
export function changed(message: string): boolean {
  return /bad.record.mac|decryption.failed/i.test(message);
}

/** Gathers the errors of a stream; answers what to call the reason: a changed byte before all else, as it draws other errors after it. */
export function reasons(stream: Duplex): (caught: unknown) => string {
  const said: string[] = [];
  stream.on("error", ({ message }: Error) => {
    said.push(message);
  });
  return (caught) => said.find(changed) ?? said[0] ?? messageOf(caught);
}

/** Counts transfers, and prints a line for each. */
export class Report {
  readonly summary: Summary = { transfers: 0, bad: 0, failed: 0, bytes: 0, repeated: 0, connections: 0, broken: 0 };
  readonly #print: Print;

  constructor(print: Print) {
    this.#print = print;
  }

  /** A transfer ended; `bad` has its bytes, but wrong ones. */
  ended(line: Omit<TransferLine, "ok" | "reason">, result: "ok" | "bad" | "failed", reason = ""): void {
    this.summary.transfers += 1;
    if (result !== "ok") this.summary[result] += 1;
    this.summary.bytes += line.bytes;
    const seconds = Math.round(line.seconds * 1e4) / 1e4;
    this.#print({ ...line, seconds, ok: result === "ok", ...(reason === "" ? {} : { reason }) } satisfies TransferLine);
  }

  /** Prints the last line; answers the exit status. */
  end(): 0 | 1 {
    this.#print(this.summary);
    return this.summary.bad === 0 && this.summary.failed === 0 ? 0 : 1;
  }
}

/** Prints JSON lines on standard output. */
export function printLine(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
