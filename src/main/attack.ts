import { parseArgs } from "node:util";
import { ATTACKS, attackNamed } from "../attack/attacks.js";
import { isPreset, PRESET_NAMES } from "../defense/presets.js";
import { HushboxError } from "../errors/hushbox-error.js";
import { attackDataset, type AttackDatasetOptions, type AttackDatasetReport } from "../lab/attack-dataset.js";
import { TABLE_FEATURES } from "../lab/samples/table-features.js";
import { attackPage } from "../lab/report/attack-page.js";
import { TargetFile } from "../lab/target-file.js";
import { DEFAULTS } from "../leakage/protocol.js";
import { OBSERVER_KINDS } from "../trace/make-observer.js";
import type { Command } from "./command.js";
import { defensesSet } from "./defenses-set.js";
import { oneOf } from "./one-of.js";
import { Progress } from "./progress.js";
import { VERSION } from "./version.js";
import { wholeNumber } from "./whole-number.js";
import { windowCut } from "./window-cut.js";

const NAMES = ATTACKS.map(({ name }) => name);
const ON_TABLES = ATTACKS.filter(({ form }) => form === "table").map(({ name }) => name);

/** `hushbox attack`: what classifiers that learn from a data set still read in it. */
export const command: Command = {
  summary: "what classifiers that learn from labelled captures still read in them behind a defense",
  usage: `Usage: hushbox attack MANIFEST [--task NAME] [--preset P] [--window N|TIME|trace] [options]

Passes every capture of a data set (a manifest that hushbox dataset or emulate wrote) through a defense, cuts what an
observer sees into windows, and lets classifiers learn to tell the classes apart: on defended traffic, of groups that
they are not asked about. Beside it stands what the same attacks read where labels say nothing.

  --task NAME       one of the set's tasks (default: the first; labels: every label a class)
  --preset P        ${PRESET_NAMES.join(", ")} (default off)
  --set N.K=V       another value than the preset's, as episode.always=true; as often as wanted
  --stretch         of a tunnel, look only from when an episode begins until none follows: windows without idle time
  --window W        N: every N packets; TIME: as 30s; trace: each capture (default)
  --direction D     both (default), up or down
  --vantage V       wan: behind the router (default); lan: on the link from box to router
  --observer O      stats: counts packets, lengths and times (default); parse: reads headers to undo padding and decoys
  --attacks LIST    as random-forest,ada-boost (default: all of ${NAMES.slice(0, 3).join(", ")},
                    ${NAMES.slice(3).join(", ")})
  --features F      what attacks on tables learn from: twelve (the paper's, default), or a family of statistics:
                    ${TABLE_FEATURES.filter((name) => name !== "twelve").join(", ")}. Then k-fingerprinting and
                    deep-fingerprinting, which bring features of their own, take no part
  --seeds N         how often it is done with other folds and draws (default ${String(DEFAULTS.seeds.length)})
  --folds N         (default ${String(DEFAULTS.folds)}): each class needs as many groups
  --null N          repetitions under labels dealt anew, each as dear as one measurement: ${String(DEFAULTS.repetitions)} tell chance
                    from luck (default 0)
  --training T      even (default): small classes weigh as much as large ones; as-is: as captured, as the paper
  --votes           the windows of a capture vote, and each capture counts once
  --stale           the attacker has learnt from undefended traffic only
  --seed S          of the defense's draws (default 1)
  --out FILE.html   write the whole report as a page, too
  --json            print the whole report as one object

Example:
  hushbox attack ~/lab/echo/manifest.yaml --task class_balanced --preset standalone --null 99
  hushbox attack ~/lab/echo/manifest.yaml --task class_balanced --preset standalone --out ~/lab/standalone.html
`,
  run,
};

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      task: { type: "string" },
      preset: { type: "string", default: "off" },
      window: { type: "string", default: "trace" },
      direction: { type: "string", default: "both" },
      vantage: { type: "string", default: "wan" },
      observer: { type: "string", default: "stats" },
      attacks: { type: "string" },
      features: { type: "string", default: "twelve" },
      seeds: { type: "string", default: String(DEFAULTS.seeds.length) },
      folds: { type: "string", default: String(DEFAULTS.folds) },
      null: { type: "string", default: "0" },
      training: { type: "string", default: DEFAULTS.training },
      votes: { type: "boolean", default: false },
      stale: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      set: { type: "string", multiple: true, default: [] },
      stretch: { type: "boolean", default: false },
      out: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const [dataset, ...more] = positionals;
  if (dataset === undefined || more.length > 0) throw new HushboxError("usage", "it takes one manifest");
  if (!isPreset(values.preset))
    throw new HushboxError("usage", `--preset is one of ${PRESET_NAMES.join(", ")}, not "${values.preset}"`);
  const progress = new Progress("hushbox attack");
  const features = oneOf("features", TABLE_FEATURES, values.features);
  const names = values.attacks?.split(",") ?? (features === "twelve" ? NAMES : ON_TABLES);
  const options: AttackDatasetOptions = {
    dataset,
    task: values.task ?? null,
    preset: values.preset,
    defenses: defensesSet(values.set),
    stretch: values.stretch,
    seed: values.seed,
    observer: oneOf("observer", OBSERVER_KINDS, values.observer),
    vantage: oneOf("vantage", ["wan", "lan"], values.vantage) === "wan" ? "beyond" : "lan",
    windows: {
      ...windowCut(values.window),
      direction: oneOf("direction", ["both", "up", "down"], values.direction),
      field: "raw",
    },
    attacks: names.map((name) => attackNamed(name.trim())),
    features,
    stale: values.stale,
    protocol: {
      ...DEFAULTS,
      seeds: Array.from({ length: wholeNumber("seeds", values.seeds, 1) }, (_, i) => String(i + 1)),
      folds: wholeNumber("folds", values.folds, 2),
      repetitions: wholeNumber("null", values.null, 0),
      training: oneOf("training", ["even", "as-is"], values.training),
      counted: values.votes ? "votes" : "rows",
    },
  };
  const page = values.out === undefined ? null : new TargetFile(values.out);
  let report: AttackDatasetReport;
  try {
    report = await attackDataset(options, (what, done, all) => {
      progress.tell(() => `${String(done)} of ${String(all)} ${what}`);
    });
    page?.write(Buffer.from(attackPage(report, VERSION)));
  } catch (error) {
    page?.discard();
    throw error;
  }
  await page?.finish();
  console.log(values.json ? JSON.stringify(report) : inWords(report));
  return 0;
}

function inWords({
  dataset,
  defense,
  cost,
  bound,
  given_plans: plans,
  leakage,
  observer,
  vantage,
  features,
}: AttackDatasetReport): string {
  const share = (value: number): string => value.toFixed(3);
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const classes = leakage.classes.map(
    ({ name, groups, rows }) => `${name} ${String(rows)} rows in ${String(groups)} groups`,
  );
  const lines = [
    `${dataset.name}, ${dataset.real ? "real" : "emulated"}, task ${dataset.task}: ${String(dataset.traces)} traces; ${classes.join(", ")}`,
    `${defense.preset}, seen from ${vantage} by ${observer}: ${percent(cost.overhead.bytes)} more bytes, ${percent(cost.overhead.packets)} more packets, delay p50 ${cost.added_delay_ms.p50.toFixed(1)} ms`,
    ...(features === "twelve" ? [] : [`attacks learn from the features ${features} instead of the twelve`]),
    `attack                 balanced accuracy       advantage   chance ${share(leakage.chance)}`,
    ...leakage.attacks.map(({ attack, balanced_accuracy: { value, low, high }, advantage }) =>
      [attack.padEnd(22), share(value), `(${share(low)} to ${share(high)})`, share(advantage.value).padStart(8)].join(
        " ",
      ),
    ),
  ];
  if (bound !== null)
    lines.push(`who knows all that plans tell of a trace, and which class each tells of, is right in ${share(bound)}`);
  if (plans !== null)
    lines.push(
      `of plans alone the best attack reads ${share(plans.mean)}, 95 % of the time at most ${share(plans.threshold)}; p = ${plans.p_value.toFixed(3)}`,
    );
  const none = leakage.null;
  if (none !== null)
    lines.push(
      `of nothing the best attack reads ${share(none.mean)}, 95 % of the time at most ${share(none.threshold)}; ${leakage.best}: p = ${none.p_value.toFixed(3)}, ${none.verdict}`,
    );
  const given = [...(leakage.importance?.blocks ?? [])].sort((a, b) => b.drop - a.drop).filter(({ low }) => low > 0);
  if (leakage.importance !== null)
    lines.push(
      given.length === 0
        ? `no single feature is what ${leakage.importance.attack} reads it by`
        : `what gives it away to ${leakage.importance.attack}: ${given.map(({ name, drop }) => `${name} ${share(drop)}`).join(", ")}`,
    );
  return lines.join("\n");
}
