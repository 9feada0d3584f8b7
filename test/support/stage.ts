import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { Laboratory } from "../../src/emulator/laboratory.js";
import type { Place } from "../../src/emulator/topology.js";
import { Child } from "../bench/child.js";

/** A laboratory and a folder of a test's own, with the programs that run in it. */
export class Stage {
  readonly directory: string;
  readonly laboratory: Laboratory;
  readonly #children: Child[] = [];

  private constructor(directory: string, laboratory: Laboratory) {
    this.directory = directory;
    this.laboratory = laboratory;
  }

  /** `name`: of the laboratory's namespaces. When the test ends, programs stop, last first, and all is removed. */
  static async open(t: Test, name: string, mode: "inline" | "tunnel" = "inline"): Promise<Stage> {
    const directory = mkdtempSync(join(tmpdir(), `hushbox-${name}-`));
    const laboratory = await Laboratory.build({ name, mode, state: join(directory, "laboratory") });
    const stage = new Stage(directory, laboratory);
    t.teardown(() => stage.#close());
    return stage;
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  start(place: Place, command: string, ...args: string[]): Child {
    return this.keep(new Child(this.laboratory.namespaces[place], command, args));
  }

  /** A program that somebody else has started stops with the others. */
  keep(child: Child): Child {
    this.#children.push(child);
    return child;
  }

  async #close(): Promise<void> {
    for (const child of this.#children.reverse()) await child.stop();
    await this.laboratory.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
