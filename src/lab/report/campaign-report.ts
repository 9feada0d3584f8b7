import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HushboxError } from "../../errors/hushbox-error.js";
import { messageOf } from "../../errors/message-of.js";
import { campaignCsv } from "./campaign-csv.js";
import { campaignPage } from "./campaign-page.js";
import { campaignSummary } from "./campaign-summary.js";
import type { ReportedCampaign } from "./reported-campaign.js";
import { writeWhole } from "../write-whole.js";

/**
 * Writes a campaign's report into a folder: index.html, which needs nothing beside it, figures/*.svg, campaign.csv and summary.md. Each
 * file is there whole or not at all, the page last; pictures of an earlier report that this one does not have are removed. Throws
 * `output-unwritable`.
 */
export function writeReport(result: ReportedCampaign, folder: string): void {
  const { html, figures } = campaignPage(result);
  const pictures = join(folder, "figures");
  try {
    mkdirSync(pictures, { recursive: true });
  } catch (cause) {
    const why = messageOf(cause);
    throw new HushboxError("output-unwritable", `making ${pictures}: ${why}`, cause);
  }
  for (const { file, svg } of figures) writeWhole(join(pictures, `${file}.svg`), `${svg.source}\n`);
  const own = new Set(figures.map(({ file }) => `${file}.svg`));
  for (const name of readdirSync(pictures))
    if (/^figure-.*\.svg$/.test(name) && !own.has(name)) rmSync(join(pictures, name));
  writeWhole(join(folder, "campaign.csv"), campaignCsv(result));
  writeWhole(join(folder, "summary.md"), campaignSummary(result));
  writeWhole(join(folder, "index.html"), html);
}
