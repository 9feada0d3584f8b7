// What setup writes for NetworkManager and ifupdown, read by the real ones: Debian 13's packages unpacked into a folder, run in namespaces of
// their own with three cards, so that they never see a card of this machine.
//
// Needs root, and mmdebstrap with Debian's archive the first time; skipped aloud without.
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import tap, { test, type Test } from "tap";
import { networkManagerCards } from "../../src/setup/holders.js";
import { Host } from "../../src/setup/host.js";
import { ifupdownFiles, inIfupdown } from "../../src/setup/ifupdown.js";
import { networkManagerFile } from "../../src/setup/managers.js";
import { pause } from "../bench/child.js";
import { DebianRoot } from "../support/debian-root.js";

tap.setTimeout(400_000);

const CARDS = ["eth0", "wlan0", "eth1"];
const found = await DebianRoot.unpack("managers", ["ifupdown", "network-manager", "dbus-daemon"]);
const skip = "lacking" in found ? found.lacking : false;

async function opened(t: Test): Promise<DebianRoot> {
  const root = await DebianRoot.open("root" in found ? found.root : "", CARDS);
  t.teardown(() => root.close());
  return root;
}

function put(root: DebianRoot, path: string, text: string): void {
  mkdirSync(dirname(join(root.path, path)), { recursive: true });
  writeFileSync(join(root.path, path), text);
}

const STANZAS = CARDS.map((card, i) => `iface ${card} inet static\n  address 192.0.2.${i + 1}/24\n`).join("");

/** Files below /etc/network, by name. The first is the one that is read. */
const WAYS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Debian's own": {
    interfaces: `source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\nallow-hotplug eth0\n${STANZAS}`,
  },
  "several in a line": {
    interfaces: `auto lo eth0 eth1\nallow-hotplug wlan0\teth0\niface lo inet loopback\n${STANZAS}`,
  },
  "a line that goes on": { interfaces: `auto lo \\\n  eth0 \\\n  eth1\niface lo inet loopback\n${STANZAS}` },
  "a comment that ends with a backslash": { interfaces: `# mine \\\nauto eth0\nauto eth1\n${STANZAS}` },
  "a stanza of another name": { interfaces: `auto eth0=home eth1\niface home inet dhcp\n${STANZAS}` },
  "in a file of its own": {
    interfaces: "source interfaces.d/*\n",
    "interfaces.d/eth0.cfg": `auto eth0 eth1\n${STANZAS}`,
  },
  "in a folder": {
    interfaces: "source-directory more\n",
    "more/cards": `auto eth0 eth1\n${STANZAS}`,
    "more/not.me": "auto wlan0\n",
  },
  "two steps away": { interfaces: "source one\n", one: "auto eth1\nsource two/*\n", "two/x": `auto eth0\n${STANZAS}` },
  "with allow-auto": { interfaces: `allow-auto eth0 eth1\n${STANZAS}` },
  "after another's stanza": {
    interfaces: `auto eth1\niface eth1 inet dhcp\n  up true\nauto eth0\niface eth0 inet static\n  address 192.0.2.1/24\n`,
  },
  "nothing of it": { interfaces: `auto eth1\n${STANZAS}` },
};

void test("ifupdown brings everything up but the cards that setup takes", { skip, timeout: 360_000 }, async (t) => {
  const root = await opened(t);
  const host = new Host(root.path, true, root);
  const started = async (): Promise<string[]> => {
    const lists = [];
    for (const kind of ["auto", "hotplug"]) {
      const { code, stdout, stderr } = await root.run("ifquery", ["--list", `--allow=${kind}`]);
      t.equal(code, 0, stderr);
      t.equal(stderr, "", "ifupdown finds no fault");
      lists.push(...stdout.split("\n").map((name) => name && `${kind} ${name}`));
    }
    return lists.filter(Boolean).sort();
  };
  for (const [name, files] of Object.entries(WAYS)) {
    rmSync(join(root.path, "etc/network/interfaces.d"), { recursive: true, force: true });
    for (const [file, text] of Object.entries(files)) put(root, `/etc/network/${file}`, text);
    const before = await started();
    const concerned = before.some((line) => / (eth0|wlan0)\b/.test(line));
    t.equal(inIfupdown(host, "eth0") || inIfupdown(host, "wlan0"), concerned, `${name}: setup sees what ifupdown does`);
    for (const { path, text } of ifupdownFiles(host, ["eth0", "wlan0"])) put(root, path, text);
    t.same(
      await started(),
      before.filter((line) => !/ (eth0|wlan0)\b/.test(line)),
      `${name}: the others as before`,
    );
    t.match(await root.run("ifquery", ["eth0"]), { code: 0, stdout: "address: 192.0.2.1\n" }, "its stanza is left");
  }
  t.end();
});

void test("a pattern that stands for a card is refused, where ifupdown takes it for one", { skip }, async (t) => {
  const root = await opened(t);
  const host = new Host(root.path, true, root);
  for (const pattern of ["/eth*", "/et?0", "/[a-e]th0", "/eth[!1]"]) {
    put(root, "/etc/network/interfaces", `auto ${pattern}\n${STANZAS}`);
    t.match((await root.run("ifquery", ["--list"])).stdout, /^eth0\b/m, pattern);
    t.throws(() => ifupdownFiles(host, ["eth0"]), { message: `a pattern ("auto ${pattern}")` });
  }
  put(root, "/etc/network/interfaces", `auto /eth[1-9]\n${STANZAS}`);
  t.equal((await root.run("ifquery", ["--list"])).stdout, "lo\neth1\n");
  t.same(ifupdownFiles(host, ["eth0"]), [], "another card's pattern is left alone");
});

void test("NetworkManager lets go of the cards, and of no other", { skip, timeout: 360_000 }, async (t) => {
  const root = await opened(t);
  const host = new Host(root.path, true, root);
  put(
    root,
    "/run/bus.conf",
    `<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy></busconfig>`,
  );
  mkdirSync(join(root.path, "run/dbus"));
  put(root, "/etc/NetworkManager/conf.d/10-mine.conf", "[keyfile]\nunmanaged-devices=interface-name:eth9\n");
  const bus = root.start("dbus-daemon", "--config-file=/run/bus.conf", "--nofork", "--nopidfile");
  while (!existsSync(join(root.path, "run/dbus/system_bus_socket"))) {
    t.equal(bus().includes("Failed to start"), false, bus());
    await pause(50);
  }
  const manager = root.start("NetworkManager", "--debug", "--log-level=INFO");
  const said = (): string => `${bus()}${manager()}`;
  const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    for (let i = 0; i < 300 && !(await holds()); i++) await pause(100);
    t.ok(await holds(), what, { said: said().split("\n").slice(-20) });
  };
  const held = async (): Promise<string[]> =>
    [...(await networkManagerCards(host)).keys()].filter((card) => CARDS.includes(card)).sort();
  await until("it has all three cards", async () => (await held()).length === 3);

  const { path, text } = networkManagerFile(["eth0", "wlan0"], true);
  put(root, path, text);
  t.match(await root.run("nmcli", ["general", "reload", "conf"]), { code: 0 });
  await until("two are let go of", async () => (await held()).join() === "eth1");
  const config = await root.run("NetworkManager", ["--print-config"]);
  t.match(config.stdout, /^dns=none$/m);
  t.match(
    config.stdout,
    /^unmanaged-devices=interface-name:eth9[,;]interface-name:eth0[,;]interface-name:wlan0[,;]?$/m,
    "and what other files say holds",
  );
  t.notMatch(said(), /<warn>.*(config|keyfile|unmanaged)/, "it finds no fault with the file");

  rmSync(join(root.path, path));
  t.match(await root.run("nmcli", ["general", "reload", "conf"]), { code: 0 });
  await until("undone, it has them again", async () => (await held()).length === 3);
});
