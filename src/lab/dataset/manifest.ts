import { readFileSync } from "node:fs";
import type { ValidateFunction } from "ajv";
import { Type, type Static } from "typebox";
import { stringify } from "yaml";
import { strictYaml } from "../../config/strict-yaml.js";
import { newAjv, problemsOf } from "../../config/validator.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { DURATION_PATTERN } from "../../time/duration.js";
import { writeWhole } from "../write-whole.js";
import { checkManifest } from "./check-manifest.js";

const STRICT = { additionalProperties: false } as const;

/** A hundred thousand captures; more is an accident. */
const MAX_BYTES = 32 << 20;

/** The name under which importers and the emulator write a manifest. */
export const MANIFEST_NAME = "manifest.yaml";

const LABEL = { title: "a text of 1 to 200 characters", examples: ["media"], pattern: "^.{1,200}$" };
const DEVICE = {
  title: "a MAC or IP address",
  examples: ["aa:bb:cc:dd:ee:ff"],
  pattern: "^[0-9A-Fa-f:.]{2,45}$",
};
const MOMENT = { title: "a time behind the capture's first packet", examples: ["12.5s"], pattern: DURATION_PATTERN };

const CaptureSchema = Type.Object(
  {
    file: Type.String({
      title: "the path of a pcap or pcapng file, relative to the manifest",
      examples: ["captures/media-1.pcap"],
      pattern: "^[^\\0]+$",
      description: "a pcap or pcapng file, relative to the manifest.",
    }),
    label: Type.String({ ...LABEL, description: "what was going on." }),
    group: Type.String({ ...LABEL, description: "what a split never cuts: a query, a session, a day." }),
    device: Type.Optional(Type.String({ ...DEVICE, description: "The speaker in this capture." })),
    from: Type.Optional(Type.String({ ...MOMENT, description: "Where the labelled stretch begins." })),
    to: Type.Optional(Type.String({ ...MOMENT, description: "Where it ends." })),
  },
  { ...STRICT, description: "A capture, or a stretch of one." },
);

const TaskSchema = Type.Object(
  {
    classes: Type.Record(Type.String(LABEL), Type.Array(Type.String(LABEL), { minItems: 1, uniqueItems: true }), {
      description: "the labels of each class.",
    }),
    leaveOut: Type.Optional(
      Type.Array(Type.String(LABEL), { uniqueItems: true, description: "Labels that are no part of this task." }),
    ),
  },
  { ...STRICT, description: "Classes made of labels. Every label of the set is in one of them or left out." },
);

/** A labelled set of captures, as its manifest says it. Survives structuredClone. */
export const ManifestSchema = Type.Object(
  {
    name: Type.String({ ...LABEL, description: "what the set is called in reports." }),
    real: Type.Boolean({ description: "true: captured from a device; false: emulated." }),
    origin: Type.String({ ...LABEL, pattern: "^[^]{1,10000}$", description: "where it comes from." }),
    licence: Type.String({ ...LABEL, pattern: "^[^]{1,10000}$", description: "under what terms." }),
    device: Type.Optional(
      Type.String({
        ...DEVICE,
        description: "The speaker, where a capture names none. Neither: it is found by its traffic.",
      }),
    ),
    tasks: Type.Optional(Type.Record(Type.String(LABEL), TaskSchema)),
    captures: Type.Array(CaptureSchema, { minItems: 1, description: "the captures and what they are labelled with." }),
  },
  STRICT,
);
export type Manifest = Static<typeof ManifestSchema>;
export type ManifestCapture = Static<typeof CaptureSchema>;
export type ManifestTask = Static<typeof TaskSchema>;

let validate: ValidateFunction | undefined;

/** Reads a manifest's text. `exists` answers whether a path of the manifest is there. Throws `dataset-invalid`, one line `name:line:column /path message` for each thing wrong. */
export function parseManifest(bytes: Uint8Array, name: string, exists: (file: string) => boolean): Manifest {
  const { value } = strictYaml(bytes, name, {
    code: "dataset-invalid",
    noun: "a manifest",
    empty: "it needs at least name, real, origin, licence and captures",
    maxBytes: MAX_BYTES,
    check: (found) => {
      validate ??= newAjv().compile(ManifestSchema);
      const problems = problemsOf(validate, found);
      return problems.length > 0 ? problems : checkManifest(found as Manifest, exists);
    },
  });
  return value as Manifest;
}

/** The bytes of a file that is small enough to be held. Throws `dataset-invalid`. */
export function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("dataset-invalid", `reading ${path}: ${why}`, cause);
  }
}

/** Writes a manifest, its keys always in the same order; it is there whole or not at all. Throws `output-unwritable`. */
export function writeManifest(path: string, { name, real, origin, licence, device, tasks, captures }: Manifest): void {
  const ordered = { name, real, origin, licence, device, tasks, captures };
  writeWhole(path, stringify(ordered, { lineWidth: 0, keepUndefined: false }));
}
