import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { HushboxError } from "../errors/hushbox-error.js";
import { failed, findInterface, interfaceCalls, readEthernet, type InterfaceCalls } from "./interface.js";

// Feature states as native/offload.c reports them.
const ACTIVE = 1;
const REQUESTED = 2;
const AVAILABLE = 4;
const FIXED = 8;

/**
 * What must be off on a card of the box: receive offloads join packets into frames that cannot be sent again (GRO, LRO,
 * and their hardware and UDP kinds), send offloads leave checksums and segmentation undone. By pattern, because kernels
 * add kinds (`tx-tcp-accecn-segmentation` is younger than most distributions).
 * Scatter-gather stays: since Linux 3.13 it does not depend on checksum offload.
 */
const UNWANTED = /^(rx-gro(-hw|-list)?|rx-udp-gro-forwarding|rx-lro|tx-checksum-.*|tx-.*-segmentation|tx-gso-list)$/;

/** Offloads that are on and would hinder an inline box; for looking only. */
export function hindering(name: string, calls: InterfaceCalls = interfaceCalls()): string[] {
  const features = calls.offloadRead(name);
  if (typeof features === "number") throw failed(`reading the offloads of interface ${name}`, features);
  return Object.keys(features).filter((feature) => UNWANTED.test(feature) && has(features[feature], ACTIVE));
}

/** Turns off, on an interface of our own that goes with us, all that `UNWANTED` names and that can be changed. */
export function turnAllOff(name: string, calls: InterfaceCalls = interfaceCalls()): void {
  const features = calls.offloadRead(name);
  if (typeof features === "number") throw failed(`reading the offloads of interface ${name}`, features);
  const on = Object.keys(features).filter((feature) => UNWANTED.test(feature) && changeable(features[feature]));
  const answer = on.length === 0 ? 0 : calls.offloadSet(name, on, false);
  if (answer < 0) throw failed(`turning off the offloads of interface ${name}`, answer);
}

/** What turning off did to one interface. */
export interface TurnedOff {
  readonly interface: string;
  /** Features that are off now and were on; put back later. */
  readonly off: readonly string[];
  /** Features that the driver keeps on whatever is asked. */
  readonly stuck: readonly string[];
}

interface Change {
  readonly name: string;
  readonly index: number;
  readonly mac: string;
  readonly off: readonly string[];
}

interface OffloadFile {
  readonly version: 1;
  /** Features change back by themselves at boot, and interface numbers start anew. */
  readonly boot: string;
  readonly interfaces: readonly Change[];
}

/**
 * Turns offloads off and back on. What is changed is written to `<state>/offloads.json` before it is changed, so that a
 * run that died (kill -9) is cleaned up by the next one. Only this end of a veth pair can be changed: a peer in another
 * network namespace that still computes no checksums shows as frames with partial checksums, which the card counts.
 */
export class Offloads {
  readonly #path: string;
  readonly #calls: InterfaceCalls;
  readonly #boot: string;
  #changes: Change[] = [];

  constructor(stateDirectory: string, calls: InterfaceCalls = interfaceCalls(), boot: string = bootId()) {
    this.#path = join(stateDirectory, "offloads.json");
    this.#calls = calls;
    this.#boot = boot;
  }

  /** Puts back what an earlier run left off. Returns those interfaces; an interface that is gone or was replaced is left alone. */
  recover(): string[] {
    const left = this.#read();
    const done = left.filter((change) => this.#restore(change)).map((change) => change.name);
    this.#changes = [];
    this.#write();
    return done;
  }

  /** Turns off what would hinder an inline box. Calling it again, also for an interface that went away and came back, is harmless. */
  turnOff(name: string): TurnedOff {
    const { index, mac } = readEthernet(name, this.#calls);
    const before = this.#features(name);
    const unwanted = Object.keys(before).filter((feature) => UNWANTED.test(feature));
    const off = unwanted.filter((feature) => changeable(before[feature]) && has(before[feature], ACTIVE | REQUESTED));
    const earlier = this.#changes.find(
      (change) => change.name === name && change.index === index && change.mac === mac,
    );
    const others = this.#changes.filter((change) => change.name !== name);
    // Only what had been asked for is put back; what was on without having been asked for is on again once its reason is.
    const wished = off.filter((feature) => has(before[feature], REQUESTED));
    const record: Change = { name, index, mac, off: [...new Set([...(earlier?.off ?? []), ...wished])] };

    this.#changes = record.off.length > 0 ? [...others, record] : others;
    this.#write();
    if (off.length > 0) {
      const answer = this.#calls.offloadSet(name, off, false);
      if (answer < 0) {
        this.#changes = earlier === undefined ? others : [...others, earlier];
        this.#write();
        throw failed(`turning off the offloads of interface ${name}`, answer);
      }
    }
    const now = this.#features(name);
    const stuck = unwanted.filter((feature) => has(now[feature], ACTIVE));
    return { interface: name, off: wished.filter((feature) => !stuck.includes(feature)), stuck };
  }

  /** Puts back exactly what turnOff changed. Idempotent. Returns the interfaces. */
  putBack(): string[] {
    const done = this.#changes.filter((change) => this.#restore(change)).map((change) => change.name);
    this.#changes = [];
    this.#write();
    return done;
  }

  #features(name: string): Readonly<Record<string, number>> {
    const features = this.#calls.offloadRead(name);
    if (typeof features === "number") throw failed(`reading the offloads of interface ${name}`, features);
    return features;
  }

  #restore(change: Change): boolean {
    const facts = findInterface(change.name, this.#calls);
    if (facts?.index !== change.index || facts.mac !== change.mac) return false;
    const answer = this.#calls.offloadSet(change.name, change.off, true);
    if (answer < 0) throw failed(`putting back the offloads of interface ${change.name}`, answer);
    return true;
  }

  #read(): Change[] {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new HushboxError("state-unreadable", `reading ${this.#path}`, cause);
    }
    const file = parse(text);
    if (file === null) throw new HushboxError("state-unreadable", `${this.#path} is not a list of offloads; delete it`);
    return file.boot === this.#boot ? [...file.interfaces] : [];
  }

  #write(): void {
    try {
      if (this.#changes.length === 0) {
        rmSync(this.#path, { force: true });
        return;
      }
      const file: OffloadFile = { version: 1, boot: this.#boot, interfaces: this.#changes };
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const fresh = `${this.#path}.new`;
      const handle = openSync(fresh, "w", 0o600);
      try {
        writeFileSync(handle, `${JSON.stringify(file, null, 2)}\n`);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(fresh, this.#path);
    } catch (cause) {
      throw new HushboxError("state-unreadable", `writing ${this.#path}`, cause);
    }
  }
}

function has(state: number | undefined, flags: number): boolean {
  return ((state ?? 0) & flags) !== 0;
}

function changeable(state: number | undefined): boolean {
  return has(state, AVAILABLE) && !has(state, FIXED);
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function parse(text: string): OffloadFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value["version"] !== 1 || typeof value["boot"] !== "string") return null;
  const list = value["interfaces"];
  if (!Array.isArray(list) || !list.every(isChange)) return null;
  return { version: 1, boot: value["boot"], interfaces: list };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isChange(value: unknown): value is Change {
  if (!isRecord(value)) return false;
  const { name, index, mac, off } = value;
  if (typeof name !== "string" || typeof index !== "number" || typeof mac !== "string" || !Array.isArray(off))
    return false;
  return off.every((feature) => typeof feature === "string");
}
