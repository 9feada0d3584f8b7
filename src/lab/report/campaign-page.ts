import { campaignCommand } from "./campaign-summary.js";
import { costScatter, costTable, presetBars } from "./comparison-figures.js";
import { confusionTable } from "./confusion-table.js";
import { dataFacts, refusals } from "./data-facts.js";
import { figureOf, fileWord, type Figure } from "./figure.js";
import { generalDifferences } from "./general-differences.js";
import { importanceFigure } from "./importance-figure.js";
import { page, type Section } from "./page.js";
import { paperClaims } from "./paper-claims.js";
import { simulationBesidePackets } from "./simulation-beside-packets.js";
import { attackFigures, defenseFigures, presetFigures, sideFigure } from "./paper-figures.js";
import { piece, Piece } from "./piece.js";
import { provenance, shortProvenance } from "./provenance.js";
import {
  measuredCells,
  presetCells,
  type MeasuredCell,
  type PresetCell,
  type ReportedCampaign,
  type Scenario,
} from "./reported-campaign.js";
import { grouped, headlines, referenceCut, viewKey } from "./selection.js";
import { tableOne } from "./table-one.js";
import { presetCards, scenarioTitle, simulatedCards } from "./verdict-cards.js";
import { NOT_HELD } from "./verdict.js";
import { viewWords, windowWords } from "./wording.js";

/** A campaign's page, and every picture in it. */
export interface CampaignPage {
  readonly html: string;
  readonly figures: readonly Figure[];
}

interface Measured {
  readonly scenario: Scenario;
  readonly cells: readonly MeasuredCell[];
  readonly presets: readonly PresetCell[];
}

/** Draws a campaign, from its verdicts down to what was refused. */
export function campaignPage(campaign: ReportedCampaign): CampaignPage {
  const figures: Figure[] = [];
  const all = campaign.scenarios.map((scenario): Measured => {
    const cells = measuredCells(campaign, scenario);
    return { scenario, cells, presets: presetCells(cells) };
  });
  const drawn = (found: readonly (Figure | null)[]): Piece => {
    const own = found.filter((figure) => figure !== null).map((figure) => named(figure, figures));
    return own.length === 0 ? new Piece("") : piece`<div class="grid">${own.map(figureOf)}</div>`;
  };
  const each = (body: (measured: Measured) => Piece): Piece => {
    const parts = all.flatMap((measured) => {
      const own = body(measured);
      return own.source === "" ? [] : [piece`${scenarioTitle(measured.scenario)}${own}`];
    });
    return piece`${parts}`;
  };
  const sections: Section[] = [
    { id: "verdicts", title: "What is left to read", body: verdicts(campaign, each) },
    {
      id: "presets",
      title: "Preset against preset, and what it costs",
      body: each((measured) => presetsOf(drawn, measured)),
    },
    {
      id: "defenses",
      title: "The paper's defenses on feature tables (Figures 2 and 3)",
      body: each(({ scenario, cells }) => drawn([...defenseFigures(scenario, cells), sideFigure(scenario, cells)])),
    },
    {
      id: "attacks",
      title: "Every attack (Figure 4, and behind each preset)",
      body: each(({ scenario, cells }) => everyAttack(drawn, scenario, cells)),
    },
    {
      id: "table",
      title: "The features on packets (Table I)",
      body: each(({ scenario, presets }) => features(drawn, scenario, presets)),
    },
    { id: "confusion", title: "What is taken for what", body: each(({ presets }) => confusions(presets)) },
    { id: "paper", title: "Beside the paper", body: besideThePaper(campaign) },
    { id: "data", title: "Data and protocol", body: dataFacts(campaign) },
    { id: "refused", title: "What was refused", body: refusals(campaign) },
  ];
  const html = page(
    {
      title: "What speakers still say: a hushbox campaign",
      lead: lead(campaign),
      foot: `hushbox ${campaign.hushbox}. Made by: ${campaignCommand(campaign)}`,
    },
    sections,
  );
  return { html, figures };
}

function lead({ scenarios, cells, quick, leftOut = [] }: ReportedCampaign): Piece {
  const real = scenarios.filter((one) => one.real).length;
  const measured = cells.filter(({ leakage }) => leakage !== null).length;
  return piece`<p>${measured} of ${cells.length} measurements on ${scenarios.length} ${scenarios.length === 1 ? "scenario" : "scenarios"}, ${real} with real captures and ${scenarios.length - real} with emulated traffic${quick ? "; the quick campaign, with fewer of everything" : ""}. Everything as numbers: <a href="campaign.csv">campaign.csv</a>, <a href="campaign.json">campaign.json</a>, <a href="summary.md">summary.md</a>; pictures in <a href="figures/">figures/</a>.</p>${leftOut.length === 0 ? "" : piece`<details><summary>What a whole campaign has and this has not</summary><ul>${leftOut.map((what) => piece`<li>${what}</li>`)}</ul></details>`}`;
}

function verdicts(campaign: ReportedCampaign, each: (body: (measured: Measured) => Piece) => Piece): Piece {
  const cards = each(({ cells, presets }) => {
    const simulated = simulatedCards(cells);
    if (simulated.source === "") return presetCards(presets);
    return piece`${presetCards(presets)}<p class="dim">As the paper simulated them, on feature tables; no packet was touched:</p>${simulated}`;
  });
  if (cards.source === "")
    return piece`<p>Nothing was measured${campaign.cells.length === 0 ? ": the campaign has no cells" : ""}.</p>`;
  const without = campaign.scenarios.filter((scenario) =>
    headlines(presetCells(measuredCells(campaign, scenario))).some(({ leakage }) => leakage.null === null),
  );
  const unheld =
    without.length === 0
      ? ""
      : piece`<p><b>No null was measured</b> of cards that say “null not measured” (${without.map(({ title }) => title).join("; ")}): ${NOT_HELD}</p>`;
  return piece`<p>The number is the balanced accuracy of the best attack, which has learnt from defended traffic. On the line: the dot is the number, the bar through it its interval, the dashes are chance, and the grey block is what the best attack reads of labels that say nothing. A defense holds when the dot is inside the block. Each preset stands in the view in which it leaves most.</p>
${unheld}${cards}`;
}

type Drawn = (found: readonly (Figure | null)[]) => Piece;

function presetsOf(drawn: Drawn, { scenario, cells, presets }: Measured): Piece {
  const priced = headlines(presets).filter(({ cost }) => cost !== null);
  const pictures = drawn([
    presetBars(scenario, presets),
    ...presetFigures(scenario, cells),
    costScatter(scenario, presets),
  ]);
  if (priced.length === 0) return pictures;
  return piece`${pictures}${costTable(`${scenario.title}: cost beside leakage`, priced)}`;
}

function everyAttack(drawn: Drawn, scenario: Scenario, cells: readonly MeasuredCell[]): Piece {
  const { first, others } = attackFigures(scenario, cells);
  const beside = drawn(others);
  if (beside.source === "") return drawn(first);
  return piece`${drawn(first)}<details><summary>The same from other views: ${others.length} pictures</summary>${beside}</details>`;
}

/** Table I, and what gives each preset away, in the view that most presets were measured in; on the way up, as the paper's, where there is one. */
function features(drawn: Drawn, scenario: Scenario, presets: readonly PresetCell[]): Piece {
  const rank = (view: readonly PresetCell[]): number =>
    new Set(view.map(({ defense }) => defense.preset)).size * 4 +
    (view[0]?.windows.direction === "up" ? 2 : 0) +
    (view[0]?.observer === "stats" ? 1 : 0);
  const views = grouped(referenceCut(presets), viewKey).sort((a, b) => rank(b) - rank(a));
  const own = headlines(views[0] ?? []);
  return piece`${tableOne(scenario.title, own)}${drawn(
    own.map((cell) =>
      importanceFigure(
        {
          file: `figure-importance-${fileWord(scenario.name)}-${cell.defense.preset}`,
          title: `${scenario.title}: what gives ${cell.defense.preset === "off" ? "undefended traffic" : cell.defense.preset} away`,
          note: `${windowWords(cell.windows)}, ${viewWords(cell, true)} · ${shortProvenance([cell])}`,
          source: provenance([cell]),
        },
        cell.leakage,
      ),
    ),
  )}`;
}

function confusions(presets: readonly PresetCell[]): Piece {
  const own = headlines(presets).filter(({ leakage }) => leakage.classes.length <= 12);
  if (own.length === 0) return new Piece("");
  return piece`<div class="grid">${own.map(
    (cell) =>
      piece`<div class="box">${confusionTable(cell.leakage, cell.defense.preset)}<small>${windowWords(cell.windows)}, ${viewWords(cell, true)} · ${shortProvenance([cell])}. A row is a true class: how often it got each answer, as a mean over the seeds.</small></div>
`,
  )}</div>`;
}

function besideThePaper(campaign: ReportedCampaign): Piece {
  const claims = paperClaims(campaign);
  const measured = claims.filter(({ holds }) => holds !== "not measured");
  const missing = claims.filter(({ holds }) => holds === "not measured");
  const general = generalDifferences(campaign);
  if (general.length === 0) return new Piece("");
  const caption = "The paper's statements, and what was measured here. Accuracies are balanced.";
  return piece`${
    measured.length === 0
      ? ""
      : piece`<div class="scroll words" tabindex="0" role="region" aria-label="${caption}"><table class="claims"><caption>${caption}</caption>
<thead><tr><th scope="col">the paper</th><th scope="col">here</th><th scope="col">same?</th><th scope="col">why, as far as the numbers tell</th></tr></thead>
<tbody>${measured.map(
          ({ claim, here, rule, holds, why }) =>
            piece`<tr><th scope="row">${claim}</th><td>${here}</td><td><span class="holds ${holds}">${holds}</span><br><small>${rule}</small></td><td>${why.join(" ")}</td></tr>
`,
        )}</tbody></table></div>`
  }
${listOf("The simulated adversary beside preset paper on packets (neural network)", simulationBesidePackets(campaign))}
${listOf("What is measured otherwise, in every figure", general)}
${listOf(
  "Statements that this campaign did not measure",
  missing.map(({ claim }) => claim),
)}`;
}

function listOf(title: string, lines: readonly string[]): Piece {
  if (lines.length === 0) return new Piece("");
  return piece`<h3>${title}</h3><ul>${lines.map((line) => piece`<li>${line}</li>`)}</ul>`;
}

/** Keeps a picture under a name that no other has: names of scenarios may differ in signs that files' do not. */
function named(figure: Figure, kept: Figure[]): Figure {
  let { file } = figure;
  for (let n = 2; kept.some((other) => other.file === file); n++) file = `${figure.file}-${n}`;
  const own = { ...figure, file };
  kept.push(own);
  return own;
}
