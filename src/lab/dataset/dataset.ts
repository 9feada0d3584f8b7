import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { findMac } from "../../nic/device-match.js";
import type { Packet } from "../../packet/packet.js";
import { UP } from "../../packet/packet.js";
import { parseDuration } from "../../time/duration.js";
import { micros, NEVER, type Micros } from "../../time/micros.js";
import type { TraceSink } from "../../trace/observation.js";
import type { Observer } from "../../trace/observer.js";
import { readTrace } from "../../trace/read-trace.js";
import { DeviceSubject, type Subject } from "../../trace/subject.js";
import { LABELS_TASK } from "./check-manifest.js";
import { findDevice } from "./find-device.js";
import { bytesOf, parseManifest, type Manifest } from "./manifest.js";
import { Stretch } from "./stretch.js";

/** One labelled trace: a capture, or a stretch of one. Survives structuredClone. */
export interface Entry {
  /** Its place in the manifest, from 0. */
  readonly index: number;
  /** The capture as the manifest names it, and where it lies. */
  readonly file: string;
  readonly path: string;
  readonly label: string;
  /** What a split never cuts. */
  readonly group: string;
  /** MAC or IP address of the speaker; null where it is found by its traffic. */
  readonly device: string | null;
  /** The stretch, in µs behind the capture's first packet; `to` is NEVER where it has no end. */
  readonly from: Micros;
  readonly to: Micros;
}

/** What to tell apart: classes by name, and the class of each entry that takes part. Survives structuredClone. */
export interface Task {
  readonly name: string;
  readonly classes: readonly string[];
  readonly members: readonly { readonly entry: Entry; readonly class: number }[];
}

/** A labelled set of captures. Nothing of them is held: each entry is read as a stream, as often as one likes. */
export class Dataset {
  readonly name: string;
  /** False: emulated. Every report says which. */
  readonly real: boolean;
  readonly origin: string;
  readonly licence: string;
  readonly entries: readonly Entry[];
  readonly #manifest: Manifest;
  readonly #devices = new Map<string, number>();

  /** Opens a manifest. Throws `dataset-invalid`: one line for each thing wrong, with file, line and key. */
  static open(path: string): Dataset {
    const folder = dirname(path);
    const exists = (file: string): boolean =>
      statSync(resolve(folder, file), { throwIfNoEntry: false })?.isFile() === true;
    return new Dataset(parseManifest(bytesOf(path), path, exists), folder);
  }

  private constructor(manifest: Manifest, folder: string) {
    this.#manifest = manifest;
    this.name = manifest.name;
    this.real = manifest.real;
    this.origin = manifest.origin;
    this.licence = manifest.licence;
    this.entries = manifest.captures.map(({ file, label, group, device, from, to }, index) => ({
      index,
      file,
      path: resolve(folder, file),
      label,
      group,
      device: device ?? manifest.device ?? null,
      from: parseDuration(from ?? "0") ?? micros(0),
      to: (to === undefined ? null : parseDuration(to)) ?? NEVER,
    }));
  }

  /** The names of its tasks, the one of the labels last. */
  get tasks(): string[] {
    return [...Object.keys(this.#manifest.tasks ?? {}), LABELS_TASK];
  }

  /** A task by name. Throws `usage` where there is none of that name, `dataset-invalid` where it has fewer than two classes. */
  task(name: string): Task {
    const classes = this.#classes(name);
    const names = Object.keys(classes);
    if (names.length < 2)
      throw new HushboxError("dataset-invalid", `the set ${this.name} has one label only: nothing to tell apart`);
    const numbers = new Map(names.flatMap((own, i) => (classes[own] ?? []).map((label) => [label, i] as const)));
    const members = this.entries.flatMap((entry) => {
      const number = numbers.get(entry.label);
      return number === undefined ? [] : [{ entry, class: number }];
    });
    return { name, classes: names, members };
  }

  /** The speaker's MAC address in an entry's capture. Throws `dataset-invalid` where it never appears there, or cannot be told. */
  deviceOf({ path, file, device }: Entry): number {
    const key = `${device ?? ""}\0${path}`;
    let mac = this.#devices.get(key);
    if (mac === undefined) {
      const found = device === null ? findDevice(path) : findMac(path, device);
      if (found === null) throw neverAppears(file, device ?? "");
      mac = found;
      this.#devices.set(key, mac);
    }
    return mac;
  }

  /**
   * Passes one entry through an observer's eyes, in constant memory; answers how many packets that saw. Throws as CaptureReader does, and `dataset-invalid` where the device sends
   * nothing in the capture, or nothing of it is seen in the stretch. `seen` may have been called by then.
   */
  read(entry: Entry, observer: Observer, sink: TraceSink): number {
    const subject = new Heard(new DeviceSubject(this.deviceOf(entry)));
    const stretch = new Stretch(entry, sink);
    readTrace(entry.path, subject, observer, stretch);
    if (!subject.appeared) throw neverAppears(entry.file, entry.device ?? "the speaker");
    if (stretch.packets === 0)
      throw new HushboxError(
        "dataset-invalid",
        `reading ${entry.file}: nothing is seen of the speaker in the labelled stretch`,
      );
    return stretch.packets;
  }

  #classes(name: string): Readonly<Record<string, readonly string[]>> {
    const found = this.#manifest.tasks?.[name]?.classes;
    if (found !== undefined) return found;
    if (name !== LABELS_TASK) {
      const there = this.tasks.join(", ");
      throw new HushboxError("usage", `the set ${this.name} has no task ${JSON.stringify(name)}; it has ${there}`);
    }
    return Object.fromEntries([...new Set(this.entries.map(({ label }) => label))].map((label) => [label, [label]]));
  }
}

function neverAppears(file: string, device: string): HushboxError {
  return new HushboxError("dataset-invalid", `reading ${file}: ${device} never appears in the capture`);
}

/** Notes whether the subject sent anything. */
class Heard implements Subject {
  appeared = false;
  readonly #subject: Subject;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  direction(packet: Packet, view: DataView): ReturnType<Subject["direction"]> {
    const direction = this.#subject.direction(packet, view);
    if (direction === UP) this.appeared = true;
    return direction;
  }
}
