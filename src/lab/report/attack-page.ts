import type { AttackDatasetReport } from "../attack-dataset.js";
import { barChart } from "./bar-chart.js";
import { confusionTable } from "./confusion-table.js";
import { dataTable } from "./data-table.js";
import { figureOf, type Figure } from "./figure.js";
import { importanceFigure } from "./importance-figure.js";
import { page } from "./page.js";
import { lineStyle } from "./palette.js";
import { piece, Piece } from "./piece.js";
import { verdictStrip } from "./verdict-strip.js";
import { verdictWords } from "./verdict.js";
import {
  added,
  attackWords,
  bits,
  milliseconds,
  percent,
  protocolWords,
  realWords,
  roundPercent,
  viewWords,
  whole,
  windowWords,
} from "./wording.js";

/** What is left to read of one defended set, on one page that needs nothing beside it. */
export function attackPage(report: AttackDatasetReport, hushbox: string): string {
  const { dataset, defense, leakage } = report;
  const behind = defense.preset === "off" ? "undefended" : `behind ${defense.preset}`;
  const note = `${dataset.name}, ${dataset.task} · ${realWords(dataset.real)} · ${behind} · ${windowWords(report.windows)}, ${viewWords(report, true)} · ${leakage.seeds.length} seeds × ${leakage.folds} folds`;
  const source = `${protocolWords(leakage)}; ${100 * leakage.confidence} % intervals over seeds and groups.`;
  const importance = importanceFigure({ file: "importance", title: "What gives it away", note, source }, leakage);
  const pictures = [
    accuracies(report, note, source),
    information(report, note, source),
    ...(importance === null ? [] : [importance]),
  ];
  return page(
    {
      title: `What is left to read of ${dataset.name}, ${behind}`,
      lead: piece`<p><span class="chip ${dataset.real ? "real" : "emulated"}">${realWords(dataset.real)}</span> Task ${dataset.task}, ${dataset.traces} traces, ${viewWords(report)}; ${windowWords(report.windows)}.</p>`,
      foot: `hushbox ${hushbox}, hushbox attack.`,
    },
    [
      { id: "verdict", title: "The verdict", body: verdict(report) },
      {
        id: "attacks",
        title: "What attacks read, and by what",
        body: piece`<div class="grid">${pictures.map(figureOf)}</div>`,
      },
      {
        id: "confusion",
        title: "What is taken for what",
        body:
          leakage.classes.length > 24
            ? new Piece("")
            : piece`<div class="box">${confusionTable(leakage, behind)}<small>A row is a true class: how often it got each answer, as a mean over the seeds.</small></div>`,
      },
      { id: "cost", title: "What the defense costs", body: costs(report) },
      { id: "data", title: "Data and protocol", body: facts(report) },
    ],
  );
}

function verdict({ leakage, cost, defense }: AttackDatasetReport): Piece {
  const best = leakage.attacks.find(({ attack }) => attack === leakage.best);
  if (best === undefined) return piece`<p>No attack was measured.</p>`;
  const words = verdictWords(leakage, defense.preset === "off" ? "without a defense" : `behind ${defense.preset}`);
  const { measured, fano } = best.information_bits;
  const most = Math.log2(leakage.classes.length);
  return piece`<ul class="cards verdict"><li class="card ${words.tone}"><div class="top"><h3>${attackWords(best.attack)}</h3><span class="state">${words.state}</span></div>
<p class="number">${percent(best.balanced_accuracy.value)} <small>balanced accuracy</small></p>
${verdictStrip(best.balanced_accuracy, leakage.chance, leakage.null, words.tone)}
<p class="sentence">${words.sentence}</p></li>
<li class="card"><h3>Information</h3><p class="number">≥ ${bits(measured.value)} <small>of ${bits(most)}</small></p>
<p class="sentence">On average a sample tells at least so much of its class, for classes equally likely (${bits(measured.low)} to ${bits(measured.high)}): what this attack has proved, and a better one may prove more. From the accuracy alone follow ${bits(fano.value)} (Fano).</p></li>
<li class="card"><h3>Cost</h3><p class="number">${added(cost.overhead.bytes)} <small>bytes</small></p>
<p class="sentence">${added(cost.overhead.packets)} packets; real packets on their way up wait ${milliseconds(cost.added_delay_ms.p50)} in the median, ${milliseconds(cost.added_delay_ms.p99)} at most in 99 of 100.</p></li></ul>`;
}

function accuracies({ leakage }: AttackDatasetReport, note: string, source: string): Figure {
  const title = "Each attack against chance";
  return {
    file: "attacks",
    svg: barChart({
      title,
      note,
      x: "balanced accuracy",
      range: [0, 1],
      level: { name: `chance ${percent(leakage.chance)}`, x: leakage.chance },
      bandName: "read of nothing by this attack, 95 times in 100",
      whiskerName: "95 % interval",
      format: percent,
      formatAxis: roundPercent,
      groups: [
        {
          bars: leakage.attacks.map(({ attack, balanced_accuracy: at, null: none }) => ({
            name: attackWords(attack),
            ...at,
            ...(none === null ? {} : { band: { low: none.low, high: none.high } }),
            style: lineStyle(0),
          })),
        },
      ],
    }),
    caption:
      "Held against what the same attack reads where labels say nothing. The verdict holds the best against the best of all attacks each time, which reads more.",
    source,
    numbers: dataTable(
      title,
      [
        "attack",
        "balanced accuracy",
        "interval",
        "advantage",
        "all answers right",
        "of nothing at most",
        "p",
        "learnt from",
      ],
      leakage.attacks.map((one) => [
        attackWords(one.attack),
        percent(one.balanced_accuracy.value),
        `${percent(one.balanced_accuracy.low)} to ${percent(one.balanced_accuracy.high)}`,
        percent(one.advantage.value),
        percent(one.accuracy),
        one.null === null ? "not measured" : percent(one.null.threshold),
        one.null === null ? "" : one.null.p_value.toFixed(3),
        one.trained_on.least === one.trained_on.most
          ? whole(one.trained_on.least)
          : `${whole(one.trained_on.least)} to ${whole(one.trained_on.most)}`,
      ]),
    ),
  };
}

function information({ leakage }: AttackDatasetReport, note: string, source: string): Figure {
  const title = "What it tells of the class, at least";
  const most = Math.log2(leakage.classes.length);
  return {
    file: "information",
    svg: barChart({
      title,
      note,
      x: `bits of ${most.toFixed(2)}`,
      range: [0, most],
      whiskerName: "95 % interval",
      format: (value) => value.toFixed(2),
      groups: [
        {
          bars: leakage.attacks.map(({ attack, information_bits: { measured } }) => ({
            name: attackWords(attack),
            ...measured,
            style: lineStyle(2),
          })),
        },
      ],
    }),
    caption: "Mutual information of class and answer: a lower bound on that of class and traffic.",
    source,
    numbers: dataTable(
      title,
      ["attack", "bits", "interval", "from the accuracy alone (Fano)"],
      leakage.attacks.map(({ attack, information_bits: { measured, fano } }) => [
        attackWords(attack),
        bits(measured.value),
        `${bits(measured.low)} to ${bits(measured.high)}`,
        bits(fano.value),
      ]),
    ),
  };
}

function costs({ cost }: AttackDatasetReport): Piece {
  const way = (name: "up" | "down", words: string): string[] => [
    words,
    whole(cost.before[name].packets),
    whole(cost.after[name].packets),
    whole(cost.before[name].bytes),
    whole(cost.after[name].bytes),
  ];
  return piece`${dataTable("As the observer counts, without the defense and with it", ["direction", "packets before", "packets after", "bytes before", "bytes after"], [way("up", "up"), way("down", "down")])}
<p>${added(cost.overhead.bytes)} bytes and ${added(cost.overhead.packets)} packets in all. The p99 of delay is the largest of the captures', so no less than the true one.</p>`;
}

function facts({ dataset, defense, leakage, ...view }: AttackDatasetReport): Piece {
  const rows: [string, string][] = [
    ["data set", `${dataset.name}, ${realWords(dataset.real)}`],
    ["origin", dataset.origin],
    ["task", `${dataset.task}: ${dataset.traces} traces`],
    [
      "classes",
      leakage.classes.map(({ name, rows, groups }) => `${name} (${rows} samples in ${groups} groups)`).join(", "),
    ],
    ["defense", `preset ${defense.preset}, seed ${defense.seed}`],
    ["observer", viewWords(view)],
    ["samples", windowWords(view.windows)],
    ["features", view.features === "twelve" ? "the twelve, or the attack’s own" : view.features],
    ["protocol", `${protocolWords(leakage)}; seeds ${leakage.seeds.join(", ")}`],
    [
      "null",
      leakage.null === null
        ? "not measured"
        : `${leakage.null.repetitions} repetitions under labels dealt anew to the groups, mean ${percent(leakage.null.mean)}`,
    ],
  ];
  return piece`<div class="words">${dataTable("What was measured", ["what", "in this report"], rows)}</div>`;
}
