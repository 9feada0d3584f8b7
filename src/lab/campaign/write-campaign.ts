import { join } from "node:path";
import { writeWhole } from "../write-whole.js";
import { writeReport } from "../report/campaign-report.js";
import type { CampaignResult } from "./cell.js";

/** Writes what a campaign found into a folder: `campaign.json`, and its report with index.html to look at. Answers the path of the former. */
export function writeCampaign(result: CampaignResult, folder: string): string {
  const path = join(folder, "campaign.json");
  writeWhole(path, `${JSON.stringify(result, null, 1)}\n`);
  writeReport(result, folder);
  return path;
}
