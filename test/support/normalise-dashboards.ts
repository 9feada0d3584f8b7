import { readFileSync, writeFileSync } from "node:fs";
import { DASHBOARDS } from "./dashboard.js";
import { normalised } from "./normal-dashboard.js";

// `npm run dashboards`: brings every dashboard into its normal form, after it was changed in Grafana and exported into its file.
for (const path of DASHBOARDS) {
  const text = readFileSync(path, "utf8");
  const normal = normalised(text);
  if (normal !== text) writeFileSync(path, normal);
  console.log(`${normal === text ? "is normal already:" : "wrote"} ${path}`);
}
