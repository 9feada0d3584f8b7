// The pages that the lab writes, opened in Chromium (Debian package chromium; skipped aloud without it).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type Test } from "tap";
import { makePlan, only } from "../../src/emulator/make-plan.js";
import { writeCapture } from "../../src/emulator/synthesis.js";
import { writeManifest } from "../../src/lab/dataset/manifest.js";
import { writeReport } from "../../src/lab/report/campaign-report.js";
import { seconds } from "../../src/time/micros.js";
import { Chromium } from "../support/chromium.js";
import { ROOT } from "../support/generated.js";
import { openedPage } from "../support/opened-page.js";
import { campaignOf, cellOf, refusedCell } from "../support/reported.js";

const skip = Chromium.missing() ?? false;

/** Not tap's own: the browser may still be at its profile when the test ends. */
function folderOf(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), "hushbox-report-"));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

test("what is to be found in a page would be found", { skip }, (t) => {
  const folder = folderOf(t);
  const path = join(folder, "bad.html");
  const script = 'console.error("oh no"); document.body.append("written")';
  writeFileSync(path, `<!doctype html><body><img src="http://192.0.2.1:9/x.png"><script>${script}</script>`);
  const { dom, console, requests } = openedPage(path, folder);
  t.match(dom, /written/);
  t.match(console.join("\n"), /oh no/);
  t.same([...new Set(requests)], ["http://192.0.2.1:9/x.png"]);
  t.end();
});

test("a campaign's page has its verdicts, and asks for nothing", { skip }, (t) => {
  const folder = folderOf(t);
  const none = { p: 0.05, threshold: 0.5 };
  const evil = '<img src="http://192.0.2.1:9/y.png" onerror="document.body.append(1)"><script>throw 1</script>';
  const cells = [
    cellOf({ attacks: { "random-forest": 0.95, "neural-network": 0.9 }, none }),
    cellOf({ attacks: { "decision-tree": 0.62 }, none }, { defense: { kind: "preset", preset: "standalone" } }),
    cellOf({ attacks: { "neural-network": 0.5 } }, { defense: { kind: "noise", parameter: 8, order: "time" } }),
    cellOf(
      { attacks: { "decision-tree": 0.9 }, classes: [evil, "two"] },
      { scenario: "echo", dataset: { name: evil, real: true, task: evil } },
    ),
    refusedCell(evil, { id: "refused" }),
  ];
  writeReport(campaignOf(cells), folder);
  const { dom, console, requests } = openedPage(join(folder, "index.html"), folder);
  t.match(dom, /Behind standalone, the decision tree tells/);
  t.match(dom, /it reads more than chance/);
  t.match(dom, /<svg /);
  t.notMatch(dom, /<script|<img/);
  t.same(console, []);
  t.same(requests, []);
  t.end();
});

test("hushbox attack --out writes a page with its verdict", { skip }, (t) => {
  const folder = folderOf(t);
  const captures = ["idle", "media"].flatMap((label) =>
    [0, 1, 2].map((i) => {
      const file = `${label}-${i}.pcap`;
      const mixture = only(label === "idle" ? "idle" : "media");
      writeCapture(makePlan({ seed: file, duration: seconds(30), mixture, scale: 1 }), join(folder, file));
      return { file, label, group: file };
    }),
  );
  const manifest = join(folder, "manifest.yaml");
  writeManifest(manifest, { name: "<b>small</b>", real: false, origin: "the test", licence: "Apache-2.0", captures });
  const main = join(ROOT, "build/src/main.js");
  const page = join(folder, "page.html");
  const attack = (...more: string[]): string =>
    execFileSync(
      process.execPath,
      [
        main,
        "attack",
        manifest,
        "--window",
        "20",
        "--attacks",
        "decision-tree",
        "--folds",
        "3",
        "--seeds",
        "2",
        ...more,
      ],
      { encoding: "utf8", timeout: 60_000, stdio: "pipe", env: { PATH: process.env["PATH"] } },
    );
  const said = attack("--preset", "paper", "--null", "0", "--out", page);
  const [, value = ""] = /^decision-tree +([\d.]+) /m.exec(said) ?? [];
  const { dom, console, requests } = openedPage(page, folder);
  t.match(dom, /What is left to read of &lt;b&gt;small&lt;\/b&gt;, behind paper/);
  t.ok(
    value !== "" && dom.includes(`${(100 * Number(value)).toFixed(1)}&nbsp;%`),
    `the page has the terminal's ${value}`,
  );
  t.match(dom, /emulated traffic/);
  t.match(dom, /bytes before/);
  t.same(console, []);
  t.same(requests, []);

  writeFileSync(page, "the last one");
  t.throws(() => attack("--folds", "7", "--out", page), { message: /groups/ }, "too few of them");
  t.equal(readFileSync(page, "utf8"), "the last one", "a failure leaves what was there");
  t.throws(() => attack("--null", "0", "--out", join(folder, "nowhere/page.html")), { message: /creating .*nowhere/ });
  t.end();
});
