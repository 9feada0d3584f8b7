import { HushboxError } from "../errors/hushbox-error.js";
import { tool } from "./command.js";
import type { Laboratory } from "./laboratory.js";
import type { Place } from "./topology.js";

/** What tcpdump says at its end. */
export interface CaptureCounts {
  captured: number;
  /** Frames that the kernel had no room for: a capture with any is not what the observer saw. */
  dropped: number;
}

export interface CaptureOptions {
  /** A filter in tcpdump's language. */
  filter: string;
  /** Bytes kept of each frame; 0 keeps all. */
  snapLength: number;
}

/** A running capture of one interface in a place, written as a pcap file with times in microseconds. */
export class Capture {
  readonly file: string;
  readonly #stop: () => Promise<CaptureCounts>;

  private constructor(file: string, stop: () => Promise<CaptureCounts>) {
    this.file = file;
    this.#stop = stop;
  }

  /** Starts tcpdump and resolves when it listens, so that nothing sent afterwards is missed. */
  static async start(
    laboratory: Laboratory,
    place: Place,
    name: string,
    file: string,
    options: Partial<CaptureOptions> = {},
  ): Promise<Capture> {
    const { filter = "", snapLength = 0 } = options;
    // -U with immediate mode: a frame is in the file as soon as it was seen. -Z root: the file need not be writable for others.
    const args = [
      "-i",
      name,
      "-n",
      "-U",
      "--immediate-mode",
      "-B",
      "16384",
      "-s",
      String(snapLength),
      "-Z",
      "root",
      "-w",
      file,
    ];
    const child = laboratory.exec(place, [tool("tcpdump"), ...args, ...(filter === "" ? [] : [filter])], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const ended = new Promise<void>((resolve) => {
      child.once("close", () => {
        resolve();
      });
      child.once("error", (error) => {
        said += error.message;
        resolve();
      });
    });
    const listens = new Promise<boolean>((resolve) => {
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (said.includes("listening on")) resolve(true);
      });
      void ended.then(() => {
        resolve(false);
      });
    });
    if (!(await listens)) throw new HushboxError("host", `capturing on ${name} of ${place}: ${said.trim()}`);

    let counts: Promise<CaptureCounts> | null = null;
    const stop = async (): Promise<CaptureCounts> => {
      child.kill("SIGINT");
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(timer);
      const captured = /(\d+) packets? captured/.exec(said)?.[1];
      const dropped = /(\d+) packets? dropped by kernel/.exec(said)?.[1];
      if (captured === undefined || dropped === undefined) {
        throw new HushboxError("host", `capturing on ${name} of ${place}: tcpdump ended early: ${said.trim()}`);
      }
      return { captured: Number(captured), dropped: Number(dropped) };
    };
    return new Capture(file, () => (counts ??= stop()));
  }

  /** Ends the capture; the file is complete when this resolves. Called again, it answers the same. */
  stop(): Promise<CaptureCounts> {
    return this.#stop();
  }
}
