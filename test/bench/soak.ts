//   speaker eth0 ── in0 hushbox out0 ── lan0 router(NAT) wan0 ── down0 isp up0 ── net0 world
//
// Mixed traffic both ways while defenses are changed at random over HTTP ten times a second.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { HushboxError } from "../../src/errors/hushbox-error.js";
import { messageOf } from "../../src/errors/message-of.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { SeededRandom } from "../../src/random/seeded-random.js";
import { boxMissing } from "../support/box-missing.js";
import { LaboratoryBox } from "../support/laboratory-box.js";
import { pause } from "./child.js";
import { machine } from "./machine.js";
import { say } from "./say.js";
import { accountOf, inWords, missing, statusOf, unaccounted } from "./soak/account.js";
import { Changes } from "./soak/changes.js";
import { Memory } from "./soak/memory.js";
import { Traffic } from "./soak/traffic.js";

const HELP = `usage: npm run soak -- [--minutes N] [--seed TEXT] [--json]

The emulated speaker and its cloud, bulk transfers, datagrams and numbered streams through \`hushbox run\`, while presets,
defenses and their values are changed at random over HTTP ten times a second. It fails where a hash is wrong, a packet is not
accounted for (asked every second), something is reordered or doubled, lost without being counted, a change is refused or
takes more than 100 ms (99 of 100), or memory grows. Needs root. Exit status 1 where it fails.

  --minutes N   how long (10); memory is judged from 3 on
  --seed TEXT   decides the speaker's plan and the changes (1)
  --json        one JSON object on standard output instead of the table

example: npm run soak -- --minutes 10 --seed 7`;

const APPLY_MS = 100;
/** What the speaker is given to end before everything else does. */
const ENDING = 3;

interface Check {
  readonly what: string;
  readonly holds: boolean;
  readonly seen: string;
}

async function soak(minutes: number, seed: string, directory: string): Promise<{ checks: Check[]; facts: object }> {
  const laboratory = await Laboratory.build({ name: "hx-soak", state: join(directory, "laboratory") });
  const traffic = new Traffic(laboratory);
  let box: LaboratoryBox | undefined;
  try {
    box = await LaboratoryBox.start(laboratory, join(directory, "box"), {
      api: { rateLimit: "100000/min" },
      log: { level: "warn" },
    });
    const kernel = async (name: string, counter: string): Promise<number> =>
      Number((await laboratory.run("box", ["cat", `/sys/class/net/${name}/statistics/${counter}`])).stdout);
    const cards = async (): Promise<{ in: number; out: number }> => ({
      in: await kernel(TOPOLOGY.box.inside, "rx_packets"),
      out: await kernel(TOPOLOGY.box.outside, "tx_packets"),
    });
    // Cards tell their counters four times a second: both are read when nothing has come for longer than that.
    let kernelBefore = await cards();
    for (let quiet = false; !quiet;) {
      await pause(600);
      const now = await cards();
      quiet = now.in === kernelBefore.in && now.out === kernelBefore.out;
      kernelBefore = now;
    }
    const before = await statusOf(box);

    const seconds = Math.max(5, Math.round(minutes * 60) - ENDING);
    await traffic.start(seconds, seed);
    const changes = new Changes(box, new SeededRandom(seed, "soak"));
    const memory = new Memory(box.child.pid);
    const open: string[] = [];
    const state = { speaks: true };
    const spoken = traffic.speaker().finally(() => (state.speaks = false));
    spoken.catch(() => undefined);
    const begun = performance.now();
    for (let second = 1; state.speaks; second++) {
      await pause(Math.max(0, begun + second * 1000 - performance.now()));
      if (!box.child.running) throw new Error(`hushbox ended early: ${box.child.errors}`);
      traffic.check();
      const mib = memory.sample();
      const lacks = await unaccounted(box);
      if (lacks !== null) open.push(`after ${second} s: ${lacks}`);
      await box.ask("GET", "/metrics");
      if (second % 30 === 0)
        say(
          `${second} s of ${seconds}: ${mib.toFixed(0)} MiB${open.length > 0 ? `, NOT ACCOUNTED: ${open.length}` : ""}`,
        );
    }
    const speaker = await spoken;
    const changed = await changes.stop();
    const { peer, streams } = await traffic.end();
    const asked = performance.now();
    let [last, kernelNow] = [await statusOf(box), await cards()];
    const differs = (): string | null => {
      const [inside, outside] = [last.cards.inside.counts, last.cards.outside.counts];
      const [was, had] = [before.cards.inside.counts, before.cards.outside.counts];
      const came = (inside?.received ?? 0) + (inside?.dropped ?? 0) - (was?.received ?? 0) - (was?.dropped ?? 0);
      const left = (outside?.sent ?? 0) - (had?.sent ?? 0);
      const [kernelIn, kernelOut] = [kernelNow.in - kernelBefore.in, kernelNow.out - kernelBefore.out];
      const words = `in ${came} and ${kernelIn}, out ${left} and ${kernelOut}`;
      counted = words;
      return came === kernelIn && left === kernelOut ? null : words;
    };
    let counted = "";
    // Cards tell their counters four times a second; what is still held leaves within maxDelay.
    while (differs() !== null && performance.now() - asked < 5_000) {
      await pause(200);
      [last, kernelNow] = [await statusOf(box), await cards()];
    }

    const checks: Check[] = [];
    const check = (what: string, holds: boolean, seen: string): void => {
      checks.push({ what, holds, seen });
    };
    check(
      "the speaker's transfers: every hash right",
      speaker.transfers > 0 && speaker.bad + speaker.failed === 0,
      `${speaker.transfers} transfers, ${speaker.bad} bad, ${speaker.failed} failed`,
    );
    check(
      "bulk transfers: every hash right",
      peer.transfers > 0 && peer.bad + peer.failed === 0,
      `${peer.transfers} transfers, ${Math.round(peer.bytes / 1e6)} MB, ${peer.bad} bad, ${peer.failed} failed`,
    );
    check(
      "datagrams: every hash right",
      peer.answered > 0 && peer.datagramsBad === 0,
      `${peer.answered} of ${peer.datagrams} answered, ${peer.datagramsBad} bad`,
    );
    check(
      "every second: each packet accounted for",
      open.length === 0,
      open.length === 0 ? "always" : open.slice(0, 3).join("; "),
    );
    for (const direction of ["up", "down"] as const) {
      const account = accountOf(last, direction);
      check(
        `at the end, ${direction}: each packet accounted for`,
        account.in > 0 && missing(account) === 0,
        inWords(account),
      );
      const refused = (side: "inside" | "outside"): number => {
        const counts = last.cards[side].counts;
        return (counts?.dropped ?? 0) + (counts?.noSlot ?? 0) + (counts?.refused ?? 0);
      };
      const lost = streams.reduce((sum, stream) => sum + stream[direction].lost, 0);
      const told = account.dropped + refused("inside") + refused("outside");
      check(
        `streams ${direction}: what was lost was counted`,
        lost >= 0 && lost <= told,
        `${lost} lost, ${told} counted`,
      );
      for (const { name, [direction]: one } of streams)
        check(
          `stream ${name} ${direction}: nothing reordered or doubled`,
          one.sent > 0 && one.reordered + one.duplicated === 0,
          `${one.sent} sent, ${one.reordered} out of order, ${one.duplicated} twice`,
        );
    }
    check("cards counted what the kernel counted", differs() === null, counted);
    const [p50 = NaN, p99 = NaN, most = NaN] = [0.5, 0.99, 1].map((q) => quantile(changed.applied, q));
    check(
      "every change taken over",
      changed.changes > 0 && changed.refused.length === 0,
      `${changed.changes} changes, ${changed.refused.length} refused ${changed.refused.slice(0, 2).join("; ")}`,
    );
    check(
      `packets saw 99 of 100 changes within ${APPLY_MS} ms`,
      p99 < APPLY_MS,
      `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, most ${most.toFixed(1)} ms`,
    );
    const remembered = memory.report();
    check("memory flat", remembered.flat, remembered.words);
    const sent = Object.values(last.decoys?.sent ?? {}).reduce((sum, n) => sum + n, 0);
    const { delayedPackets = 0 } = last.up?.counts ?? {};
    check("defenses were at work", sent > 0 && delayedPackets > 0, `${sent} decoys, ${delayedPackets} delayed`);
    const held = box;
    box = undefined;
    await held.stop();
    check("it stops when told", held.child.status === 0, `exit status ${held.child.status ?? "none"}`);
    const answered = { p50: quantile(changed.answered, 0.5), p99: quantile(changed.answered, 0.99) };
    const facts = {
      machine: machine(),
      minutes,
      seed,
      speaker,
      peer,
      streams,
      changes: { count: changed.changes, apply_ms: { p50, p99, max: most }, http_ms: answered },
    };
    return {
      checks,
      facts: { ...facts, memory: remembered, counters: { up: last.up, down: last.down, decoys: last.decoys } },
    };
  } catch (error) {
    if (box !== undefined)
      say(`hushbox ${box.child.running ? "runs" : "has ended"}; last it said:\n${box.child.tail(20)}`);
    throw error;
  } finally {
    await traffic.stop();
    await box?.stop();
    await laboratory.remove();
  }
}

function quantile(ascending: readonly number[], q: number): number {
  return ascending[Math.floor(q * (ascending.length - 1))] ?? NaN;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const minutes = Number(values.minutes);
  if (!(minutes >= 0.1 && minutes <= 1440)) throw new TypeError("--minutes takes a number from 0.1 to 1440");
  const why = boxMissing(["ping", "openssl"]);
  if (why !== false) throw new HushboxError("host", why);
  const directory = mkdtempSync(join(tmpdir(), "hushbox-soak-"));
  try {
    const { checks, facts } = await soak(minutes, values.seed, directory);
    const good = checks.every(({ holds }) => holds);
    if (values.json) console.log(JSON.stringify({ good, checks, ...facts }));
    else for (const { what, holds, seen } of checks) console.log(`${holds ? "yes" : "NO "}  ${what}: ${seen}`);
    return good ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`soak: ${messageOf(error)}`);
  process.exitCode = error instanceof TypeError ? 2 : 1;
}
