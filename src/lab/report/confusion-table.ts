import type { LeakageReport } from "../../leakage/leakage-report.js";
import { piece, type Piece } from "./piece.js";
import { theAttack, percent, whole } from "./wording.js";

/** What the best attack answered for each class, as a table whose cells are the darker the larger their share of the row. */
export function confusionTable(leakage: LeakageReport, of: string): Piece {
  const best = leakage.attacks.find(({ attack }) => attack === leakage.best);
  const names = leakage.classes.map(({ name }) => name);
  const caption = `${of}: answers of ${theAttack(leakage.best)}`;
  return piece`<div class="scroll" tabindex="0" role="region" aria-label="${caption}"><table class="confusion"><caption>${caption}</caption>
<thead><tr><th scope="col">true</th>${names.map((name) => piece`<th scope="col">“${name}”</th>`)}</tr></thead>
<tbody>${(best?.confusion ?? []).map((answers, truth) => {
    const all = answers.reduce((sum, n) => sum + n, 0);
    return piece`<tr><th scope="row">${names[truth] ?? ""}</th>${answers.map((n, answer) => heat(all === 0 ? 0 : n / all, n, truth === answer))}</tr>
`;
  })}</tbody></table></div>`;
}

/** `--heat` goes from 0 to 1; the style sheet makes a colour of it. */
function heat(share: number, count: number, right: boolean): Piece {
  return piece`<td class="heat${right ? " right" : ""}" style="--heat:${share.toFixed(3)}"><b>${percent(share)}</b> <small>${whole(count)}</small></td>`;
}
