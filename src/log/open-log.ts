import { fstatSync } from "node:fs";
import { destination, pino } from "pino";
import type { Log, LogFields, LogLevel } from "./log.js";

/** `json`: one object a line, for collectors. `journal`: `<N>message key=value`, which journald reads as a priority; it stamps the time itself. `terminal`: for a person. */
export type LogStyle = "json" | "journal" | "terminal";

/** A log whose level can change while it is in use. */
export interface OpenLog extends Log {
  setLevel(level: LogLevel): void;
}

/** Syslog priorities (sd-daemon(3)). */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warn: 4, info: 6, debug: 7 };

/** The style that fits where standard output goes. */
export function styleOf(environment: NodeJS.ProcessEnv, fd = 1, terminal = process.stdout.isTTY): LogStyle {
  const journal = environment["JOURNAL_STREAM"];
  if (journal !== undefined) {
    const { dev, ino } = fstatSync(fd);
    if (journal === `${dev}:${ino}`) return "journal";
  }
  return terminal ? "terminal" : "json";
}

/** Opens the log. `write` takes whole lines; standard output where it is absent. */
export function openLog(level: LogLevel, style: LogStyle = styleOf(process.env), write = toStandardOutput()): OpenLog {
  const stream = {
    write: (line: string) => {
      write(style === "json" ? line : plainLine(line, style));
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      timestamp: style === "journal" ? false : () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      // Nobody should ever hand one over; should it happen, it does not land on a disk.
      redact: ["token", "authorization"],
    },
    stream,
  );
  const at =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      logger[name](fields, message);
    };
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    setLevel: (wanted) => {
      logger.level = wanted;
    },
  };
}

function toStandardOutput(): (line: string) => void {
  const stdout = destination({ fd: 1, sync: true });
  // A reader that went away (`| head`) must not end the daemon.
  stdout.on("error", () => undefined);
  return (line) => {
    stdout.write(line);
  };
}

function plainLine(line: string, style: LogStyle): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as { level: LogLevel; time?: string; msg: string };
  const pairs = Object.entries(fields).map(
    ([key, value]) => ` ${key}=${typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value)}`,
  );
  const text = `${msg.replaceAll("\n", style === "journal" ? "; " : "\n    ")}${pairs.join("")}`;
  return style === "journal"
    ? `<${PRIORITY[level]}>${text}\n`
    : `${(time ?? "").slice(11, 19)} ${level.padEnd(5)} ${text}\n`;
}
