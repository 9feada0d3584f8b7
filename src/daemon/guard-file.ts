import { rmSync } from "node:fs";
import { Ajv } from "ajv";
import { Type } from "typebox";
import type { Log } from "../log/log.js";
import type { Guarded } from "../nic/guard-table.js";
import { StateFile } from "./state-file.js";

const validate = new Ajv().compile<Guarded>(
  Type.Object({
    outside: Type.String({ minLength: 1, maxLength: 15 }),
    inside: Type.Optional(Type.String({ minLength: 1, maxLength: 15 })),
    devices: Type.Array(Type.Integer({ minimum: 0, maximum: 2 ** 48 - 1 }), { minItems: 1, maxItems: 24 }),
  }),
);

/** What `onFailure: closed` guarded last, for a boot at which the configuration cannot be read: `<state>/guard.json`. */
export class GuardFile extends StateFile<Guarded> {
  readonly #path: string;

  constructor(path: string, log: Log) {
    super(path, "what is guarded", validate, log);
    this.#path = path;
  }

  /** Nothing is guarded. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
