import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { checkConfig } from "../config/check-config.js";
import { parseConfig } from "../config/document.js";
import { editConfig } from "../config/edit-config.js";
import { ConfigSchema, type Config } from "../config/schema.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { BOX_CONFIG } from "./names.js";
import type { TextFile } from "./networkd.js";
import type { WishedDevice } from "./wish.js";

/** What setup decides of hushbox's own configuration. */
export interface BoxWish {
  readonly inside: string;
  readonly outside: string;
  readonly devices: readonly WishedDevice[];
  readonly preset: string | null;
  readonly onFailure: string | null;
  readonly isolate: boolean;
}

/** Whether this build's configuration has a key. */
export function hasKey(key: string): boolean {
  return Object.hasOwn(ConfigSchema.properties, key);
}

/** The devices that a configuration names; none where there is no file. Throws `config-invalid`. */
export function configuredDevices(text: string | null): WishedDevice[] {
  if (text === null) return [];
  return parseConfig(Buffer.from(text), BOX_CONFIG).config.devices.map(({ name, mac }) => ({
    name,
    mac: mac.toLowerCase(),
  }));
}

/** Whether nothing may pass undefended: as wished, else as the configuration says. */
export function failsClosed(text: string | null, wished: string | null): boolean {
  if (wished !== null || text === null) return wished === "closed";
  const config: Record<string, unknown> = parseConfig(Buffer.from(text), BOX_CONFIG).config;
  return config["onFailure"] === "closed";
}

/** Whether frames between stations pass hushbox too: as wished, else as the configuration says. */
export function isolates(text: string | null, wished: boolean): boolean {
  if (wished || text === null) return wished;
  return parseConfig(Buffer.from(text), BOX_CONFIG).config.isolate === true;
}

/** hushbox.yaml: a new one, or the user's with only the wished values changed. Throws `config-invalid`, or `usage` for a value that was asked for. */
export function boxConfig(now: string | null, wish: BoxWish): TextFile {
  const values = {
    inside: wish.inside,
    outside: wish.outside,
    ...(wish.preset === null ? {} : { preset: wish.preset }),
    ...(wish.onFailure === null ? {} : { onFailure: wish.onFailure }),
    ...(wish.isolate ? { isolate: true } : {}),
  };
  const why = "hushbox stands between the two cards";
  if (now === null) {
    const wanted = { ...values, devices: wish.devices };
    valid(wanted);
    const text = `# Written by hushbox setup. Every other key has its default; config.example.yaml explains them all.\n${stringify(wanted)}`;
    return { path: BOX_CONFIG, why, text };
  }
  const { config } = parseConfig(Buffer.from(now), BOX_CONFIG);
  const kept = config.devices.filter(({ name, mac }) => {
    return !wish.devices.some((device) => device.name === name || device.mac === mac.toLowerCase());
  });
  const known = wish.devices.map((device) => {
    const before = config.devices.find(({ mac }) => mac.toLowerCase() === device.mac);
    return before === undefined ? device : { ...before, name: device.name };
  });
  // The user's order stays where nothing else is asked for.
  const same = wish.devices.every((device) =>
    config.devices.some(({ name, mac }) => isDeepStrictEqual({ name, mac: mac.toLowerCase() }, device)),
  );
  const wanted = { ...config, ...values, devices: same ? config.devices : [...kept, ...known] };
  valid(wanted);
  return { path: BOX_CONFIG, why, text: editConfig(now, wanted as Config) };
}

function valid(wanted: unknown): void {
  const problems = checkConfig(wanted);
  if (problems.length === 0) return;
  throw new HushboxError(
    "usage",
    `hushbox's configuration would not be valid: ${problems.map(({ path, message }) => `${path} ${message}`).join("; ")}`,
  );
}
