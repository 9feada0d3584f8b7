import { join } from "node:path";
import { editorSchema } from "../../src/config/editor-schema.js";

/** The project's root, seen from `build/test/support`. */
export const ROOT = join(import.meta.dirname, "../../..");

/** Files that are made from code, and how; tests hold them against it. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  "deploy/config.schema.json": editorSchema,
};
