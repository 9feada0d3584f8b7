import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { GENERATED, ROOT } from "./generated.js";

// `npm run schema`: writes every file that is made from code.
for (const [path, text] of Object.entries(GENERATED)) {
  mkdirSync(dirname(join(ROOT, path)), { recursive: true });
  writeFileSync(join(ROOT, path), text());
  console.log(`wrote ${path}`);
}
