import { FEATURES, type FeatureName } from "../../features/features.js";
import { piece, Piece } from "./piece.js";
import { provenance } from "./provenance.js";
import type { PresetCell, ReportedFeature } from "./reported-campaign.js";
import { percent, windowWords } from "./wording.js";

/** What the paper's Table I lets a box outside the device do to each feature. */
const PAPER: Readonly<Record<FeatureName, string>> = {
  n_ip_unique: "left alone",
  n_port_unique: "noise: decoys to random ports",
  n_pack_tcp: "noise: decoys",
  n_pack_udp: "noise: decoys",
  n_pack_icmp: "noise: decoys",
  max_diff_time: "left alone",
  mean_window: "left alone",
  std_window: "left alone",
  mean_ipt: "left alone",
  std_ipt: "noise: jitter",
  mean_len_pack: "constant padding: the maximum",
  std_len_pack: "constant padding: 0",
};

/**
 * Table I as measured on packets: for each preset a feature's mean and deviation, how far the classes lie apart in it, and what the best attack on
 * features loses without it. Empty where no cell has any of that. `cells`: one of each preset, in one view and cut.
 */
export function tableOne(title: string, cells: readonly PresetCell[]): Piece {
  const own = cells.filter(({ features, leakage }) => features != null || leakage.importance !== null);
  const [first] = own;
  if (first === undefined) return new Piece("");
  const summed = own.some(({ features }) => features != null);
  const caption = `${title}, ${windowWords(first.windows)}`;
  return piece`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}. ${provenance(own)}${
    summed
      ? " Mean ± deviation over all windows; “apart”: how far the classes' means lie from each other, as their deviation in units of the feature's."
      : ""
  } “Lost”: balanced accuracy that the best attack on features loses without it.</caption>
<thead><tr><th scope="col" rowspan="2">feature</th><th scope="col" rowspan="2" class="text">in the paper</th>${own.map(
    ({ defense }) => piece`<th scope="colgroup" colspan="${summed ? 3 : 1}">${defense.preset}</th>`,
  )}</tr><tr>${own.map(() =>
    summed
      ? piece`<th scope="col">mean ± deviation</th><th scope="col">apart</th><th scope="col">lost</th>`
      : piece`<th scope="col">lost</th>`,
  )}</tr></thead>
<tbody>${FEATURES.map(
    (name) => piece`<tr><th scope="row"><code>${name}</code></th><td class="text">${PAPER[name]}</td>${own.map((cell) =>
      cellsOf(
        name,
        cell.features?.find((feature) => feature.name === name),
        summed,
        cell,
      ),
    )}</tr>
`,
  )}</tbody></table></div>`;
}

function cellsOf(name: FeatureName, moments: ReportedFeature | undefined, summed: boolean, cell: PresetCell): Piece {
  const drop = cell.leakage.importance?.blocks.find((block) => block.name === name)?.drop;
  const lost =
    drop === undefined
      ? piece`<td></td>`
      : piece`<td class="heat" style="--heat:${Math.min(1, Math.max(0, drop * 2)).toFixed(3)}">${percent(drop)}</td>`;
  if (!summed) return lost;
  if (moments === undefined) return piece`<td></td><td></td>${lost}`;
  const { mean, deviation } = moments;
  const apart = apartness(moments);
  return piece`<td>${inUnits(name, mean)} ± ${inUnits(name, deviation)}${unitOf(name)}</td><td class="heat" style="--heat:${Math.min(1, apart / 1.25).toFixed(3)}">${apart.toFixed(2)}</td>${lost}`;
}

/** The deviation of the classes' means, each counting alike, in units of the deviation of all windows. */
function apartness({ deviation, class_means: means }: ReportedFeature): number {
  if (deviation === 0 || means.length === 0) return 0;
  const middle = means.reduce((sum, x) => sum + x, 0) / means.length;
  return Math.sqrt(means.reduce((sum, x) => sum + (x - middle) ** 2, 0) / means.length) / deviation;
}

function inUnits(name: FeatureName, value: number): string {
  const shown = isTime(name) ? value * 1e3 : value;
  return Math.abs(shown) >= 100 ? shown.toFixed(0) : shown.toFixed(1);
}

function unitOf(name: FeatureName): string {
  if (isTime(name)) return "\u00a0ms";
  return name.endsWith("len_pack") ? "\u00a0B" : "";
}

function isTime(name: FeatureName): boolean {
  return name === "max_diff_time" || name.endsWith("_ipt");
}
