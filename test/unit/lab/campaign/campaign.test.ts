import { spawn } from "node:child_process";
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { test } from "tap";
import type { CampaignResult } from "../../../../src/lab/campaign/cell.js";
import { campaign, MAIN, PLAIN, ran, resultIn, TINY } from "../../../support/tiny-campaign.js";

/** Begins a campaign and kills it without a warning as soon as `when` holds. */
async function killed(folder: string, when: () => boolean): Promise<void> {
  const child = spawn(process.execPath, [MAIN, "campaign", ...TINY, "--out", folder], { env: PLAIN, stdio: "ignore" });
  const gone = new Promise((resolve) => child.once("exit", resolve));
  while (!when() && child.exitCode === null) await setTimeout(2);
  child.kill("SIGKILL");
  await gone;
}

function names(folder: string, ending: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(ending));
}

test("a campaign that was killed goes on where it was, and ends as if it had not been", async (t) => {
  const root = t.testdir();
  const [whole, cut] = [join(root, "whole"), join(root, "cut")];
  const first = await campaign(...TINY, "--out", whole);
  t.equal(first.status, 0, first.error);
  t.match(first.out, /2 cells; left out:/);

  await killed(cut, () => names(join(cut, "captures"), ".pcap").length > 1);
  t.notOk(existsSync(join(cut, "campaign.json")));
  await killed(cut, () => names(join(cut, "samples"), ".samples").length > 0);
  await killed(cut, () => names(join(cut, "cells"), ".json").length > 0);
  const kept = names(join(cut, "cells"), ".json").map((name) => join(cut, "cells", name));
  t.ok(kept.length > 0, `${kept.length} cells before the last kill`);
  const stamps = kept.map((path) => statSync(path).mtimeMs);
  const captured = names(join(cut, "captures"), ".pcap").map((name) => statSync(join(cut, "captures", name)).mtimeMs);
  // What a kill in the middle of writing leaves.
  writeFileSync(`${kept[0] ?? ""}.unfinished`, '{"id": "mic');
  const again = await campaign(...TINY, "--out", cut);
  t.equal(again.status, 0, again.error);
  t.same(resultIn(cut), resultIn(whole));
  t.same(
    kept.map((path) => statSync(path).mtimeMs),
    stamps,
    "measured once",
  );
  t.same(
    names(join(cut, "captures"), ".pcap").map((name) => statSync(join(cut, "captures", name)).mtimeMs),
    captured,
    "emulated once",
  );

  const other = await campaign(...TINY, "--out", cut, "--seed", "2");
  t.equal(other.status, 2);
  t.match(other.error, /has another campaign in it \(seed: "1" and "2"\)/);

  const result = JSON.parse(readFileSync(join(whole, "campaign.json"), "utf8")) as CampaignResult;
  t.match(result.scenarios, [{ name: "mic-on-off", real: false, classes: ["off", "on"] }]);
  for (const { leakage, cost, refused, dataset } of result.cells) {
    t.match({ refused, dataset }, { refused: null, dataset: { real: false, task: "mic-on-off" } });
    t.equal(leakage?.attacks.length, 5);
    t.equal(cost?.overhead.packets, 0);
  }
});

test("merge refuses strangers and gaps", async (t) => {
  const root = t.testdir();
  const of = (name: string): string => join(root, name);
  t.equal((await campaign(...TINY, "--shard", "0/2", "--out", of("one"))).status, 0);
  t.equal((await campaign(...TINY, "--shard", "1/2", "--out", of("other"), "--seed", "2")).status, 0);
  const merged = (...folders: string[]): ReturnType<typeof campaign> =>
    campaign("merge", ...folders.map(of), "--out", of("merged"));
  const table: readonly (readonly [string[], number, RegExp])[] = [
    [[], 2, /merge takes the folders/],
    [["one"], 1, /1 of 2 cells are in none of the folders: mic-on-off-off-stats-lan-up-n1000-/],
    [["one", "other"], 1, /are two campaigns \(seed: "1" and "2"\)/],
    [["one", "none"], 1, /none: there is no campaign in it/],
  ];
  for (const [folders, status, error] of table) {
    const { status: was, error: said } = await merged(...folders);
    t.equal(was, status, folders.join(" "));
    t.match(said, error);
    t.notOk(existsSync(of("merged/campaign.json")));
  }
  // A cell of another campaign under the name of one of this.
  cpSync(of("one"), of("forged"), { recursive: true });
  const [cell = ""] = readdirSync(of("forged/cells"));
  const path = of(`forged/cells/${cell}`);
  writeFileSync(path, readFileSync(path, "utf8").replace('"observer": "stats"', '"observer": "parse"'));
  const forged = await merged("forged");
  t.equal(forged.status, 1);
  t.match(forged.error, /is not of this campaign; delete it/);
});

test("where a file gets too large for the disk, the error says which, and nothing looks whole", async (t) => {
  // 16 KiB stand for a disk that fills. Node ignores SIGXFSZ, unless the test runner is loaded into it.
  const out = join(t.testdir(), "full");
  const line = `ulimit -f 16; exec env -u NODE_OPTIONS "$0" "$@"`;
  const { status, error } = await ran("bash", ["-c", line, process.execPath, MAIN, "campaign", ...TINY, "--out", out]);
  t.equal(status, 1);
  t.match(error, /hushbox campaign: .*full\/.*(EFBIG|file too large)/);
  t.notMatch(error, /a fault of hushbox/);
  t.same(
    names(out, ".json").filter((name) => name !== "plan.json"),
    [],
  );
});

test("wrong use", async (t) => {
  const table: readonly (readonly [string[], RegExp])[] = [
    [[], /--out is missing/],
    [["--out", "x", "--shard", "2/2"], /from 0 to n - 1/],
    [["--out", "x", "--parts", "all"], /--parts is one of undefended/],
    [["--out", "x", "--dataset", "manifest.yaml"], /MANIFEST:TASK/],
    [["--out", "x", "--windows", "0"], /whole number from 1/],
    [["--out", "x", "--days", "-1"], /days/],
    [["--out", "x", "--scenarios", "none"], /leave nothing to measure/],
    [["--out", "x", "--presets", "tunel"], /--presets are of off, paper, standalone/],
  ];
  const root = t.testdir();
  for (const [args, message] of table) {
    const { status, error } = await ran(process.execPath, [
      MAIN,
      "campaign",
      ...args.map((a) => (a === "x" ? join(root, a) : a)),
    ]);
    t.equal(status, 2, args.join(" "));
    t.match(error, message);
  }
  t.same(readdirSync(root), [], "nothing is left behind");
});
