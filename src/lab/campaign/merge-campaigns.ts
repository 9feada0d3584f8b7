import { HushboxError } from "../../errors/hushbox-error.js";
import { differenceOf, readPlan } from "./campaign-plan.js";
import { readCell } from "./cell-file.js";
import type { CampaignResult, Cell } from "./cell.js";
import { resultOf } from "./run-campaign.js";

/** Names of missing cells that a message has. */
const NAMED = 3;

/**
 * Puts the cells of several folders together. Throws `dataset-invalid` where a folder has no campaign in it, one of another version,
 * seed or plan, or where cells are missing in all; as readCell where a cell is of none.
 */
export function mergeCampaigns(folders: readonly string[]): CampaignResult {
  const plans = folders.map((folder) => {
    const plan = readPlan(folder);
    if (plan === null) throw new HushboxError("dataset-invalid", `merging ${folder}: there is no campaign in it`);
    return { folder, plan };
  });
  const [first] = plans;
  if (first === undefined) throw new HushboxError("usage", "merging campaigns: there is no folder");
  for (const { folder, plan } of plans) {
    const other = differenceOf(first.plan, plan);
    if (other !== null)
      throw new HushboxError("dataset-invalid", `merging: ${first.folder} and ${folder} are two campaigns (${other})`);
  }
  const missing: string[] = [];
  const cells = first.plan.cells.flatMap((cell): Cell[] => {
    for (const { folder } of plans) {
      const found = readCell(folder, cell);
      if (found !== null) return [found];
    }
    missing.push(cell.id);
    return [];
  });
  if (missing.length > 0) {
    const more = missing.length > NAMED ? ` and ${String(missing.length - NAMED)} more` : "";
    throw new HushboxError(
      "dataset-invalid",
      `merging: ${String(missing.length)} of ${String(first.plan.cells.length)} cells are in none of the folders: ${missing.slice(0, NAMED).join(", ")}${more}; run the shards that have them again`,
    );
  }
  return resultOf(first.plan, cells);
}
