import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { tooNarrow } from "../../../src/nic/native.js";

test("a machine of 32 bits is told so, by npm too", (t) => {
  const path = join(import.meta.dirname, "../../../../package.json");
  const { cpu } = JSON.parse(readFileSync(path, "utf8")) as { cpu: string[] };
  for (const architecture of ["x64", "arm64", "riscv64", "arm", "ia32"]) {
    const narrow = tooNarrow(architecture);
    t.equal(cpu.includes(`!${architecture}`), narrow !== null, architecture);
    if (narrow !== null) t.match(narrow, new RegExp(`needs a 64-bit system, and this Node is for ${architecture}`));
  }
  t.notOk(
    cpu.every((one) => !one.startsWith("!")),
    "a list of what is taken would leave out others of 64 bits",
  );
  t.end();
});
