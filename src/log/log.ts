/** How much is written: each level includes those before it. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What goes beside a message. Numbers, names of interfaces and devices, reasons; never payloads, queries or tokens, and no address that
 * a device talks to but one that does not take padding: it is the user's own box, and nothing else would tell. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Where rooms write the abnormal. Handed in; there is no global one. */
export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

/** Writes nothing: for commands and tests that have nobody to tell. */
export const SILENT: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};
