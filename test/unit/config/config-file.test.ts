import { chmodSync, readdirSync, readFileSync, statSync, symlinkSync, lstatSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { ConfigFile } from "../../../src/config/config-file.js";
import { parseConfig } from "../../../src/config/document.js";
import { editConfig } from "../../../src/config/edit-config.js";
import type { Config } from "../../../src/config/schema.js";

const TEXT = `# The box under the stairs.
outside:   eth0      # the router
inside: wlan0

# Grandma's.
devices:
  # By the stove.
  - name: kitchen
    mac: "aa:bb:cc:dd:ee:ff"
    defenses: {jitter: {variance: 4}} # calmer
  # On the shelf.
  - {name: hall, mac: "aa:bb:cc:dd:ee:fe"}
preset: paper # for now
defenses:
  decoy:
    kinds: [tcp, udp] # icmp looked odd
    hops: 3   # one more
# The end.
`;

function config(text = TEXT): Config {
  return parseConfig(Buffer.from(text), "f").config;
}

test("where single values differ, exactly those bytes change", (t) => {
  const wanted = config();
  wanted.preset = "off";
  wanted.defenses = { decoy: { kinds: ["tcp", "udp"], hops: 5 } };
  t.equal(editConfig(TEXT, wanted), TEXT.replace("preset: paper", "preset: off").replace("hops: 3", "hops: 5"));
  t.equal(editConfig(TEXT, config()), TEXT, "nothing to change changes nothing");
  const other = config();
  other.outside = "12";
  t.match(editConfig(TEXT, other), 'outside:   "12"      # the router', "a text that looks like a number is quoted");
  t.end();
});

test("keys that come and go leave comments and order alone", (t) => {
  const wanted = config();
  delete wanted.defenses;
  wanted.budget = { share: 0.5 };
  wanted.devices = wanted.devices.map((device) =>
    device.name === "kitchen" ? { ...device, defenses: { jitter: { variance: 4, maxDelay: "5ms" } } } : device,
  );
  const written = editConfig(TEXT, wanted);
  t.same(config(written), wanted);
  for (const comment of [
    "# The box under the stairs.",
    "# the router",
    "# Grandma's.",
    "# By the stove.",
    "# calmer",
    "# On the shelf.",
    "# for now",
  ])
    t.match(written, comment);
  t.match(written, "{jitter: {variance: 4, maxDelay: 5ms}}", "in the style of its place");
  t.ok(
    written.indexOf("outside:") < written.indexOf("inside:") &&
      written.indexOf("devices:") < written.indexOf("preset:"),
    "the user's order",
  );
  t.end();
});

test("a device that goes takes its own comment along, not another's", (t) => {
  const wanted = config();
  wanted.devices = wanted.devices.slice(1);
  wanted.devices.push({ name: "attic", mac: "aa:bb:cc:dd:ee:f0" });
  wanted.defenses = { decoy: { kinds: ["udp"], hops: 3 } };
  const written = editConfig(TEXT, wanted);
  t.same(config(written), wanted);
  t.match(written, "# On the shelf.");
  t.notMatch(written, "# calmer");
  t.match(written, "# icmp looked odd");
  t.end();
});

test("anchors that a change would break are refused, harmless ones are not", (t) => {
  const text = `inside: a\noutside: b\ndefenses: &d {pad: {enabled: true}}\ndevices:\n  - {name: k, mac: "02:00:00:00:00:01", defenses: *d}\n`;
  const wanted = config(text);
  wanted.preset = "off";
  t.same(config(editConfig(text, wanted)), wanted);
  wanted.defenses = { pad: { enabled: false } };
  const written = editConfig(text, wanted);
  t.same(config(written), wanted);
  t.end();
});

test("a change is written beside the file and put in its place in one step", (t) => {
  const directory = t.testdir({ "hushbox.yaml": TEXT });
  const path = join(directory, "hushbox.yaml");
  chmodSync(path, 0o640);
  const file = ConfigFile.read(path);
  const wanted: Config = { ...file.config, preset: "off" };
  const ready = file.prepare(wanted);
  t.equal(readFileSync(path, "utf8"), TEXT, "the old file stays until commit");
  t.equal(readdirSync(directory).length, 2);
  ready.commit();
  t.equal(readFileSync(path, "utf8"), TEXT.replace("preset: paper", "preset: off"));
  t.equal(statSync(path).mode & 0o777, 0o640, "its mode is kept");
  t.same(readdirSync(directory), ["hushbox.yaml"]);
  t.same(file.config, wanted);
  file.prepare({ ...wanted, preset: "paper" }).abort();
  t.same(readdirSync(directory), ["hushbox.yaml"], "an aborted change leaves nothing");
  t.end();
});

test("a file that somebody edited meanwhile is not overwritten", (t) => {
  const path = join(t.testdir({ "hushbox.yaml": TEXT }), "hushbox.yaml");
  const file = ConfigFile.read(path);
  writeFileSync(path, `${TEXT}# mine\n`);
  t.throws(() => file.prepare({ ...file.config, preset: "off" }), {
    code: "config-conflict",
    message: /was changed since it was read/,
  });
  ConfigFile.read(path)
    .prepare({ ...file.config, preset: "off" })
    .commit();
  t.match(readFileSync(path, "utf8"), "# mine");
  t.end();
});

test("a file that is not there or not good", (t) => {
  const path = join(t.testdir({ "hushbox.yaml": "inside: [\n" }), "hushbox.yaml");
  t.throws(() => ConfigFile.read(path), { code: "config-invalid", message: /hushbox\.yaml:2:1 / });
  t.throws(() => ConfigFile.read("/nowhere/hushbox.yaml"), {
    code: "config-unreadable",
    message: /ENOENT.*\/nowhere\/hushbox\.yaml/,
  });
  t.end();
});

test("a link is followed, and a directory that is gone is a clear error", (t) => {
  const directory = t.testdir({ real: { "hushbox.yaml": TEXT } });
  const path = join(directory, "link.yaml");
  symlinkSync(join(directory, "real", "hushbox.yaml"), path);
  const file = ConfigFile.read(path);
  file.prepare({ ...file.config, preset: "off" }).commit();
  t.ok(lstatSync(path).isSymbolicLink());
  t.match(readFileSync(join(directory, "real", "hushbox.yaml"), "utf8"), "preset: off");
  t.end();
});

test("a change that cannot be written is a clear error", (t) => {
  // Root may write everywhere; a name with no room for the temporary one's ending stops everybody.
  const path = join(t.testdir({}), `${"h".repeat(250)}.yaml`);
  writeFileSync(path, TEXT);
  const file = ConfigFile.read(path);
  t.throws(() => file.prepare({ ...file.config, preset: "off" }), {
    code: "config-unreadable",
    message: /ENAMETOOLONG.*must be writable/,
  });
  t.equal(readFileSync(path, "utf8"), TEXT);
  t.end();
});
