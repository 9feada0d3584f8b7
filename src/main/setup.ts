import { readFileSync, statSync } from "node:fs";
import { parseArgs } from "node:util";
import { isPreset, PRESET_NAMES } from "../defense/presets.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { messageOf } from "../errors/message-of.js";
import { tooNarrow } from "../nic/native.js";
import type { Progress } from "../setup/activate.js";
import { Host, SystemRunner } from "../setup/host.js";
import { setUp, type SetupFlags, type SetupReport } from "../setup/set-up.js";
import { Terminal, type Asker } from "../setup/terminal.js";
import { undo, type UndoReport } from "../setup/undo.js";
import { BANDS, MODES, SECURITIES } from "../setup/wish.js";
import { parseDuration } from "../time/duration.js";
import type { Command } from "./command.js";
import { oneOf } from "./one-of.js";

/** `hushbox setup`: makes this machine the speakers' access point, and takes that back. */
export const command: Command = {
  summary: "make this machine the speakers' access point, or undo that",
  usage: `Usage: hushbox setup [--yes] [options]
       hushbox setup --undo [--force]

Makes this machine a Wi-Fi access point with hushbox between it and the router. Finds the cards, asks for what no option
says, shows every file that it will write, and asks before it does. Either all of it is done or nothing; --undo puts
every file and unit back as it was.

  --mode M              bridged: speakers stay in the home network (default); routed: a network of their own, with NAT
  --inside CARD         the Wi-Fi card for the access point (default: the one that can be one)
  --outside CARD        the card toward the router (default: that of the default route)
  --ssid NAME           of the new network
  --password-file FILE  its password, the first line of a file (- is standard input); 64 hexadecimal digits are a key
  --country CC          where this machine stands, for radio rules: two letters (default: what the system is set to)
  --security S          wpa2 (default), transition (WPA2 and WPA3) or wpa3
  --band B              2.4 (default) or 5 GHz
  --channel N           (default 6 at 2.4 GHz, 36 at 5 GHz)
  --device D            a device to defend: NAME=MAC, MAC, or what the speaker calls itself (looked for by mDNS);
                        may be given again
  --wait TIME           no --device: defend those that join the new network within this time, as 5min
  --subnet NET          routed: the speakers' network (default 192.168.77.0/24, or another where that is in use)
  --preset P            ${PRESET_NAMES.join(", ")} (default: as configured)
  --on-failure F        open or closed: what becomes of packets while hushbox does not run (default: as configured)
  --isolate             frames between two stations pass hushbox too (default: as configured, else the radio relays)
  --take                take a card that is joined to another network
  --yes                 ask nothing
  --dry-run             only show what would be done
  --no-start            write and enable; it begins with the next boot
  --root DIR            prepare a tree of files (a mounted card) instead of this machine
  --undo                put back what setup changed
  --force               also where files were changed by hand since; --undo keeps copies of them
  --json                print what was done as one object

Examples:
  sudo hushbox setup
  sudo hushbox setup --yes --ssid speakers --password-file pw.txt --country DE --device kitchen=aa:bb:cc:dd:ee:ff
`,
  run,
};

const OPTIONS = {
  mode: { type: "string" },
  inside: { type: "string" },
  outside: { type: "string" },
  ssid: { type: "string" },
  "password-file": { type: "string" },
  country: { type: "string" },
  security: { type: "string" },
  band: { type: "string" },
  channel: { type: "string" },
  device: { type: "string", multiple: true },
  wait: { type: "string" },
  subnet: { type: "string" },
  preset: { type: "string" },
  "on-failure": { type: "string" },
  isolate: { type: "boolean", default: false },
  take: { type: "boolean", default: false },
  yes: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  "no-start": { type: "boolean", default: false },
  root: { type: "string", default: "/" },
  undo: { type: "boolean", default: false },
  force: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
} as const;

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  const { root, json, force } = values;
  const dryRun = values["dry-run"];
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new HushboxError("usage", `--root ${root} is no folder`);
  const host = new Host(root, root === "/", new SystemRunner());
  if (host.live && process.getuid?.() !== 0)
    throw new HushboxError(
      "permission",
      "setup looks into and changes the system's files: run it as root (sudo hushbox setup)",
    );
  const narrow = host.live && !values.undo ? tooNarrow(process.arch) : null;
  if (narrow !== null) throw new HushboxError("setup", narrow);
  const progress = attended();
  if (values.undo) {
    const report = await undo({ force, dryRun }, host, progress);
    console.log(json ? JSON.stringify(report) : undone(report));
    return 0;
  }
  const asker = values.yes || dryRun ? null : terminal();
  const flags = flagsOf(values);
  const show = (text: string): void => {
    if (!json) console.log(text);
  };
  const report = await setUp(flags, { host, asker, progress, show });
  console.log(json ? JSON.stringify(report) : told(report, flags, host));
  return report.done || dryRun ? 0 : 1;
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>["values"];

function flagsOf(values: Values): SetupFlags {
  const { preset, channel, wait } = values;
  if (preset !== undefined && !isPreset(preset))
    throw new HushboxError("usage", `--preset is one of ${PRESET_NAMES.join(", ")}, not "${preset}"`);
  const choice = <T extends string>(name: keyof Values, of: readonly T[]): T | null => {
    const given = values[name];
    return typeof given === "string" ? oneOf(name, of, given) : null;
  };
  const waits = wait === undefined ? 0 : parseDuration(wait);
  if (waits === null) throw new HushboxError("usage", `--wait is a time such as 5min, not "${wait ?? ""}"`);
  if (channel !== undefined && !/^[1-9]\d{0,2}$/.test(channel))
    throw new HushboxError("usage", `--channel is a number such as 6 or 36, not "${channel}"`);
  return {
    mode: choice("mode", MODES),
    inside: values.inside ?? null,
    outside: values.outside ?? null,
    take: values.take,
    ssid: values.ssid ?? null,
    password: passwordIn(values["password-file"]),
    country: values.country ?? null,
    security: choice("security", SECURITIES),
    band: choice("band", BANDS),
    channel: channel === undefined ? null : Number(channel),
    subnet: values.subnet ?? null,
    devices: values.device ?? [],
    wait: waits / 1000,
    preset: preset ?? null,
    onFailure: choice("on-failure", ["open", "closed"]),
    isolate: values.isolate,
    dryRun: values["dry-run"],
    force: values.force,
    start: !values["no-start"],
  };
}

/** Not on the command line itself, which every user of the machine can read. */
function passwordIn(file: string | undefined): string | null {
  if (file === undefined) return null;
  try {
    const [line = ""] = readFileSync(file === "-" ? 0 : file, "utf8").split("\n");
    return line.replace(/\r$/, "");
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("usage", `--password-file cannot be read: ${why}`, cause);
  }
}

function terminal(): Asker {
  if (process.stdin.isTTY && process.stderr.isTTY) return new Terminal(process.stdin, process.stderr);
  throw new HushboxError("usage", "there is no terminal to ask on: --yes, and options for what it would ask");
}

/** Lines on standard error. A session that breaks off, as where its own network is moved, must not end the work half way; Ctrl-C takes it back. */
function attended(): Progress {
  let interrupted = false;
  process.on("SIGHUP", () => undefined);
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.on(signal, () => {
      interrupted = true;
    });
  process.stderr.on("error", () => undefined);
  return {
    say: (line) => process.stderr.write(`hushbox setup: ${line}\n`),
    check: () => {
      if (interrupted) throw new HushboxError("setup", "it was interrupted");
    },
    every: 500,
  };
}

function told(report: SetupReport, { start, dryRun }: SetupFlags, { live }: Host): string {
  if (dryRun) return "\nnothing was changed (--dry-run)";
  if (!report.done) return "\nnothing was changed";
  const devices = report.devices.map(({ name, mac }) => `${name} (${mac})`).join(", ");
  const when = live && start ? "runs" : "begins with the next boot";
  return [
    "",
    `The access point "${report.ssid}" ${when}; hushbox defends ${devices}.`,
    `Join them to that network, and see what hushbox check says. hushbox setup --undo takes everything back.`,
  ].join("\n");
}

function undone({ restored, copies, done }: UndoReport): string {
  if (restored.length === 0) return done ? "an unfinished setup was taken back" : "there is nothing to undo";
  const lines = [
    ...restored.map((path) => `  ${path}`),
    ...copies.map((path) => `what was changed by hand is kept: ${path}`),
  ];
  return [done ? "put back as before setup:" : "would be put back as before setup:", ...lines].join("\n");
}
