//   speaker ── box [hushbox] ── router (NAT, ct state invalid drop) ── provider ── [bad path] ── world
//
// Twice, side by side: hushbox with preset off in the one, with padding in the other. Each run is drawn from its seed.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { selfSigned } from "../../src/emulator/certificate.js";
import { command } from "../../src/emulator/command.js";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { messageOf } from "../../src/errors/message-of.js";
import { boxMissing } from "../support/box-missing.js";
import { Bed } from "./bad-paths/bed.js";
import { conditionsOf, inWords } from "./bad-paths/conditions.js";
import { meeting } from "./bad-paths/meeting.js";
import { PROGRAMS, programMissing, type ProgramName } from "./bad-paths/programs.js";
import { complaints, rows, summary, timeRatio, verdicts, type Pair } from "./bad-paths/summary.js";
import { machine } from "./machine.js";
import { say } from "./say.js";

const HELP = `usage: npm run bad-paths -- [--runs N] [--seed N] [--json]

Transfers with hash checks at both ends, and programs that know nothing of hushbox, over a path that delays, loses and reorders,
through NAT that drops what is invalid; with and without padding side by side. Each run draws its conditions from its seed: IP
version, delays, loss, congestion control, GRO, SYN cookies, SACK, timestamps, path MTU. Needs root. Exit status 1 where something
that must hold does not.

  --runs N      how many (200)
  --seed N      of the first run; the others count up from it (1). --seed N --runs 1 runs a bad one again
  --keep        leave the last run's capture and configuration where they are
  --json        one JSON object on standard output instead of the table

example: npm run bad-paths -- --runs 200 > bad-paths.txt`;

const QUIET = { log: { level: "error" }, api: { rateLimit: "100000/min" } };
const UNDEFENDED = { ...QUIET, preset: "off" };
/** Everything that pads; what changes times is off, so that they can be compared. */
const PAD = {
  ...QUIET,
  preset: "standalone",
  defenses: { decoy: { enabled: false }, pace: { enabled: false }, window: { enabled: false } },
};
const WHOLE = { ...QUIET, preset: "standalone" };

interface Options {
  readonly runs: number;
  readonly seed: number;
  readonly json: boolean;
  readonly keep: boolean;
}

async function badPaths({ runs, seed, json, keep }: Options): Promise<boolean> {
  const { stdout: congestion } = await command("cat", ["/proc/sys/net/ipv4/tcp_available_congestion_control"]);
  const bbr = congestion.includes("bbr");
  if (!bbr) say("the kernel has no BBR: every run uses cubic");
  for (const name of PROGRAMS) {
    const why = programMissing(name);
    if (why !== null) say(`skipping ${name}: ${why}`);
  }
  const directory = mkdtempSync(join(tmpdir(), "hushbox-bad-paths-"));
  const begun = performance.now();
  const beds: Bed[] = [];
  const pairs: Pair[] = [];
  try {
    const { key, cert } = await selfSigned("hushbox.example");
    const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    writeFileSync(keyFile, key);
    writeFileSync(certFile, cert);
    for (const name of ["hx-cam0", "hx-cam1"])
      beds.push(await Bed.build(name, join(directory, name), keyFile, certFile));
    const [plain, padded] = beds;
    if (plain === undefined || padded === undefined) throw new Error("there are no beds");
    for (let i = 0; i < runs; i++) {
      const drawn = conditionsOf(seed + i, bbr);
      const there = (name: ProgramName): boolean => programMissing(name) === null;
      const conditions = { ...drawn, programs: drawn.programs.filter(there), rare: drawn.rare.filter(there) };
      const others = meeting(beds.length);
      const [undefended, defended] = await Promise.all([
        plain.run(conditions, UNDEFENDED, false, others),
        padded.run(conditions, conditions.whole ? WHOLE : PAD, true, others),
      ]);
      const pair = { conditions, undefended, defended };
      pairs.push(pair);
      const seconds = ((performance.now() - begun) / 1e3).toFixed(0);
      say(
        `${seconds} s, run ${i + 1} of ${runs}, seed ${conditions.seed}: ${inWords(conditions)}: time ${timeRatio(pair).toFixed(2)}`,
      );
      for (const complaint of complaints(pair)) say(`  seed ${conditions.seed}: ${complaint}`);
    }
  } finally {
    for (const bed of beds) await bed.stop();
    if (keep) say(`kept: ${directory}`);
    else rmSync(directory, { recursive: true, force: true });
  }
  const all = summary(pairs);
  const checks = verdicts(all);
  const bad = pairs
    .map((pair) => ({ seed: pair.conditions.seed, complaints: complaints(pair) }))
    .filter(({ complaints: found }) => found.length > 0);
  const good = checks.every(({ holds }) => holds);
  const seconds = Math.round((performance.now() - begun) / 1e3);
  if (json) {
    const examples = pairs.flatMap(({ conditions, defended }) =>
      (defended.wan?.examples ?? []).slice(0, 3).map((example) => ({ seed: conditions.seed, ...example })),
    );
    console.log(
      JSON.stringify({
        good,
        checks,
        machine: machine(),
        seconds,
        seed,
        ...all,
        bad,
        examples: examples.slice(0, 100),
      }),
    );
  } else {
    for (const { what, holds, seen } of checks) console.log(`${holds ? "yes" : "NO "}  ${what}: ${seen}`);
    console.log("");
    for (const [name, value] of rows(all)) console.log(`${name.padEnd(20)}${value}`);
    console.log(`${"seconds".padEnd(20)}${seconds}`);
    for (const { seed: of, complaints: found } of bad) console.log(`seed ${of}: ${found.join("; ")}`);
  }
  return good;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "200" },
      seed: { type: "string", default: "1" },
      keep: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [runs, seed] = [Number(values.runs), Number(values.seed)];
  if (!(Number.isInteger(runs) && runs >= 1)) throw new TypeError("--runs takes a number from 1 on");
  if (!Number.isInteger(seed)) throw new TypeError("--seed takes a whole number");
  const why = boxMissing(["tcpdump", "ping", "openssl"]);
  if (why !== false) throw new HushboxError("host", why);
  return (await badPaths({ runs, seed, json: values.json, keep: values.keep })) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`bad-paths: ${messageOf(error)}`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
