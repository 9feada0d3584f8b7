import { join } from "node:path";
import { writeWhole } from "../dataset/write-whole.js";
import type { CampaignResult } from "./cell.js";

/** Writes what a campaign found into a folder: `campaign.json`. Answers its path. */
export function writeCampaign(result: CampaignResult, folder: string): string {
  const path = join(folder, "campaign.json");
  writeWhole(path, `${JSON.stringify(result, null, 1)}\n`);
  // The report of `result` goes beside it, here.
  return path;
}
