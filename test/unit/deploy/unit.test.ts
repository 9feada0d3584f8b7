import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { complete } from "../../../src/config/defaults.js";
import { parseConfig } from "../../../src/config/document.js";
import { compile } from "../../../src/config/settings.js";
import { DEFAULT_CONFIG } from "../../../src/main/client.js";
import { ROOT } from "../../support/generated.js";

const UNIT = join(ROOT, "systemd/hushbox.service");
const GUARD = join(ROOT, "systemd/hushbox-guard.service");
const text = readFileSync(UNIT, "utf8");

/** Values of a key, in the order in which they stand. */
function values(key: string): string[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

const analyze = (...args: string[]) => spawnSync("systemd-analyze", ["--no-pager", ...args], { encoding: "utf8" });
const skip = analyze("--version").status === 0 ? false : "needs systemd-analyze (package systemd)";

test("the unit and the daemon mean the same", (t) => {
  const [start = ""] = values("ExecStart");
  t.equal(start.split(" ").at(-1), DEFAULT_CONFIG, "the configuration that every command looks for");
  const { config } = parseConfig(readFileSync(join(ROOT, "config.example.yaml")), "config.example.yaml");
  const { state } = complete(config);
  t.same(values("StateDirectory"), [state.replace("/var/lib/", "")]);
  t.same(values("ReadWritePaths"), [`-${DEFAULT_CONFIG.slice(0, DEFAULT_CONFIG.lastIndexOf("/"))}`]);
  t.match(start, "/build/src/main.js run ", "as the bin of package.json");
  const settings = compile(config);
  t.same([settings.cards.priority, settings.tunnel], ["auto", null], "RestrictRealtime= suits the default");
  t.end();
});

test("the user, its directory and the unit name each other", (t) => {
  const [user = ""] = values("User");
  t.match(readFileSync(join(ROOT, "systemd/sysusers.d/hushbox.conf"), "utf8"), new RegExp(`^u ${user} - `, "m"));
  t.match(readFileSync(join(ROOT, "systemd/tmpfiles.d/hushbox.conf"), "utf8"), `d /etc/hushbox 0750 ${user} ${user}\n`);
  t.end();
});

test("only two capabilities", (t) => {
  t.same(values("CapabilityBoundingSet"), ["CAP_NET_RAW CAP_NET_ADMIN"]);
  t.same(values("AmbientCapabilities"), values("CapabilityBoundingSet"));
  t.end();
});

test("systemd understands every line", { skip }, (t) => {
  // It looks whether the program is there; a Node of this machine may lie elsewhere.
  const node = "/usr/bin/node";
  const here = executable(node) ? text : text.replaceAll(node, process.execPath);
  const copy = join(t.testdir({}), "hushbox.service");
  writeFileSync(copy, here);
  const { status, stdout, stderr } = analyze("verify", "--man=no", copy);
  t.equal(`${stdout}${stderr}`.trim(), "");
  t.equal(status, 0);
  const broken = join(t.testdir({}), "broken.service");
  writeFileSync(broken, here.replace("ProtectHome=yes", "ProtectHose=yes"));
  t.match(analyze("verify", "--man=no", broken).stderr, /ProtectHose/, "and would tell of a misspelt one");
  t.end();
});

test("the guard means the same, stands before the network, and stopping it opens nothing", { skip }, (t) => {
  const guard = readFileSync(GUARD, "utf8");
  t.match(guard, new RegExp(`^ExecStart=.*/main\\.js guard --config ${DEFAULT_CONFIG} --state /var/lib/hushbox$`, "m"));
  t.match(guard, /^Before=network-pre\.target hushbox\.service/m);
  t.match(text, /^After=.*hushbox-guard\.service/m);
  t.notMatch(guard, "ExecStop");
  t.match(guard, "CapabilityBoundingSet=CAP_NET_ADMIN\n");
  const node = "/usr/bin/node";
  const copy = join(t.testdir({}), "hushbox-guard.service");
  writeFileSync(copy, executable(node) ? guard : guard.replaceAll(node, process.execPath));
  const { status, stdout, stderr } = analyze("verify", "--man=no", copy);
  t.equal(`${stdout}${stderr}`.trim(), "");
  t.equal(status, 0);
  t.equal(analyze("security", "--offline=true", "--threshold=25", GUARD).status, 0, "exposure 2.5 or less");
  t.end();
});

test("exposure as systemd rates it is 2.5 or less", { skip }, (t) => {
  const { status, stdout } = analyze("security", "--offline=true", "--threshold=25", UNIT);
  const [said = ""] = /Overall exposure level.*/.exec(stdout) ?? [];
  t.equal(status, 0, said);
  t.match(said, /: [0-2]\.[0-9] OK/, "the rating was made");
  t.end();
});

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
