// hushbox setup on a tree of files that does not run, as for a card of a Raspberry Pi in a reader: the real command, the real systemctl.
//
// Needs systemd (systemctl --root); the terminal's part needs script (bsdutils). Skipped aloud without them.
import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test, type Test } from "tap";
import { which } from "../../src/emulator/command.js";
import { ROOT } from "../support/generated.js";

const MAIN = join(ROOT, "build/src/main.js");
const UNITS = "/usr/lib/systemd/system";
const NETWORKD = [
  "systemd-networkd.service",
  "systemd-networkd.socket",
  "systemd-networkd-wait-online.service",
  "systemd-network-generator.service",
];
const PASSWORD = "correct horse battery";
const skip =
  which("systemctl") === null || !existsSync(join(UNITS, "systemd-networkd.service"))
    ? "needs systemd with systemd-networkd"
    : false;

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

function run(file: string, args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], TERM: "dumb" };
    const child = execFile(file, args, { timeout: 60_000, env }, (failure, out, error) => {
      const code = failure === null ? 0 : failure.code;
      resolve({ status: typeof code === "number" ? code : -1, out, error });
    });
    child.stdin?.end();
  });
}

class Tree {
  readonly root: string;
  readonly password: string;

  constructor(t: Test) {
    const folder = mkdtempSync(join(tmpdir(), "hushbox-tree-"));
    t.teardown(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    this.root = join(folder, "root");
    this.password = join(folder, "password");
    writeFileSync(this.password, `${PASSWORD}\n`);
    for (const unit of NETWORKD)
      if (existsSync(join(UNITS, unit))) this.file(`${UNITS}/${unit}`, readFileSync(join(UNITS, unit)));
    this.file(`${UNITS}/hushbox.service`, readFileSync(join(ROOT, "systemd/hushbox.service")));
    this.file(`${UNITS}/NetworkManager.service`, "[Unit]\n");
    const wants = join(this.root, "etc/systemd/system/multi-user.target.wants");
    mkdirSync(wants, { recursive: true });
    symlinkSync(`${UNITS}/NetworkManager.service`, join(wants, "NetworkManager.service"));
    this.file("/etc/network/interfaces", "auto lo eth0\niface eth0 inet dhcp\n");
    this.file(
      "/etc/hushbox/hushbox.yaml",
      `# mine\ninside: a\noutside: b\ndevices: [{ name: hall, mac: "aa:bb:cc:00:00:01" }]\n`,
    );
    mkdirSync(join(this.root, "var/lib"), { recursive: true });
    cpSync(this.root, `${this.root}.before`, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }

  file(path: string, bytes: string | Buffer): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), bytes);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  setup(...args: string[]): Promise<Ran> {
    return run(process.execPath, [MAIN, "setup", "--root", this.root, ...args]);
  }

  flags(...more: string[]): string[] {
    const cards = ["--inside", "wlan0", "--outside", "eth0"];
    return ["--yes", ...cards, "--ssid", "home", "--password-file", this.password, "--country", "DE", ...more];
  }

  /** What `diff` finds between now and before: nothing, where all is back. */
  async difference(): Promise<string> {
    const { out, error } = await run("/usr/bin/diff", ["-r", "--no-dereference", `${this.root}.before`, this.root]);
    return out + error;
  }
}

void test("hushbox setup --root", { skip, timeout: 300_000 }, async (t) => {
  await t.test("prepares a tree, and takes all of it back", async (t) => {
    const tree = new Tree(t);
    const { mtimeMs } = statSync(join(tree.root, "/etc/network/interfaces"));
    for (const mode of ["bridged", "routed"]) {
      const { status, out, error } = await tree.setup(
        ...tree.flags("--mode", mode, "--device", "kitchen=aa:bb:cc:00:00:02"),
      );
      t.equal(status, 0, error);
      t.match(out, "+wpa_passphrase=(the password)");
      t.notMatch(out + error, PASSWORD);
      t.match(tree.read("/etc/hushbox/hushbox.yaml"), /^# mine\ninside: wlan0\n[^]*hall[^]*kitchen/);
      const wants = readdirSync(join(tree.root, "etc/systemd/system/multi-user.target.wants"));
      for (const unit of ["hushbox.service", "hushbox-ap.service", "systemd-networkd.service"])
        t.ok(wants.includes(unit), unit);
      t.equal(wants.includes("hushbox-dhcp.service"), mode === "routed");
      t.not(await tree.difference(), "");
      const undone = await tree.setup("--undo");
      t.equal(undone.status, 0, undone.error);
      t.match(undone.out, "/etc/hushbox-ap/hostapd.conf");
      t.equal(await tree.difference(), "", `${mode}: a recursive diff is empty`);
    }
    t.equal(Math.round(statSync(join(tree.root, "/etc/network/interfaces")).mtimeMs), Math.round(mtimeMs));
    t.match(await tree.setup("--undo"), { status: 0, out: "there is nothing to undo\n" });
  });

  await t.test("only tells, where that is asked for", async (t) => {
    const tree = new Tree(t);
    const { status, out } = await tree.setup(...tree.flags("--dry-run"));
    t.equal(status, 0);
    t.match(out, "-inside: a");
    t.match(out, "nothing was changed (--dry-run)");
    t.equal(await tree.difference(), "");
    const { out: json } = await tree.setup(...tree.flags("--dry-run", "--json"));
    t.match(JSON.parse(json), { mode: "bridged", ssid: "home", done: false });
  });

  await t.test("a unit that systemctl does not find: nothing is left", async (t) => {
    const tree = new Tree(t);
    for (const base of [tree.root, `${tree.root}.before`]) rmSync(join(base, UNITS, "systemd-networkd.service"));
    const { status, error } = await tree.setup(...tree.flags());
    t.equal(status, 1);
    t.match(error, /enabling units failed: systemctl --root=.*systemd-networkd/);
    t.equal(await tree.difference(), "");
  });

  await t.test("says what is wrong with what was asked", async (t) => {
    const tree = new Tree(t);
    writeFileSync(`${tree.password}.short`, "1234567\n");
    const table: readonly (readonly [args: string[], status: number, message: RegExp])[] = [
      [tree.flags("--password-file", `${tree.password}.short`), 2, /has 7 characters: WPA wants 8 at least/],
      [tree.flags("--password-file", "/nowhere"), 2, /--password-file cannot be read: ENOENT/],
      [tree.flags("--country", "UK"), 2, /the country "UK" is none.*here GB/],
      [tree.flags("--ssid", "x".repeat(33)), 2, /33 bytes, and 32 fit/],
      [tree.flags("--inside", "a b"), 2, /"a b" is no name of a card/],
      [tree.flags("--channel", "0"), 2, /--channel is a number/],
      [tree.flags("--wait", "soon"), 2, /--wait is a time such as 5min/],
      [tree.flags("--mode", "both"), 2, /--mode is one of bridged, routed/],
      [["--root", "/nowhere"], 2, /--root \/nowhere is no folder/],
      [tree.flags().slice(1), 2, /there is no terminal to ask on: --yes/],
      [["--yes"], 2, /cards are not known: name them with --inside and --outside/],
      [tree.flags("--device", "Kitchen"), 1, /no speaker called "Kitchen" answers/],
    ];
    for (const [args, status, message] of table) {
      const ran = await tree.setup(...args);
      t.equal(ran.status, status, args.join(" "));
      t.match(ran.error, message);
    }
    t.equal(await tree.difference(), "");
  });

  const noScript = which("script") === null ? "needs script (bsdutils)" : false;
  await t.test("asks on a terminal, and does not show the password", { skip: noScript }, async (t) => {
    const tree = new Tree(t);
    const command = [
      process.execPath,
      MAIN,
      "setup",
      "--root",
      tree.root,
      "--inside",
      "wlan0",
      "--outside",
      "eth0",
    ].join(" ");
    // Answers wait until they are asked for: what is typed ahead would be shown by the terminal itself.
    const answers = ["1", "", "2", "short", PASSWORD, "another one", PASSWORD, PASSWORD, "DE", "1", "y"];
    const asks = [
      /Which one\? \[1\] $/,
      /\[hushbox\]: $/,
      /Which one\? \[1\] $/,
      ...Array<RegExp>(5).fill(/(not shown\)|Once more): $/),
      /two letters: $/,
      /Which one\? \[1\] $/,
      /\[y\/N\] $/,
    ];
    const { shown, status } = await dialogue(command, asks, answers);
    t.equal(status, 0, shown);
    t.match(shown, "has 5 characters: WPA wants 8 at least");
    t.match(shown, "these are not the same");
    t.notMatch(shown, PASSWORD);
    t.notMatch(shown, "another one");
    t.match(tree.read("/etc/hushbox-ap/hostapd.conf"), `wpa_passphrase=${PASSWORD}\n`);
    t.match(tree.read("/etc/hushbox-ap/hostapd.conf"), "ssid=hushbox\n");
    t.equal((await tree.setup("--undo")).status, 0);
    t.equal(await tree.difference(), "");
    const left = await dialogue(command, [/Which one\? \[1\] $/], ["\u0003"]);
    t.equal(left.status, 1, "Ctrl-C");
    t.equal(await tree.difference(), "");
  });
});

/** Types an answer whenever what is shown ends as expected. */
function dialogue(
  command: string,
  asks: readonly RegExp[],
  answers: readonly string[],
): Promise<{ shown: string; status: number }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env["PATH"], TERM: "dumb" };
    const child = execFile("/usr/bin/script", ["-qefc", command, "/dev/null"], { timeout: 60_000, env }, (failure) => {
      const code = failure === null ? 0 : failure.code;
      resolve({ shown, status: typeof code === "number" ? code : -1 });
    });
    child.stdin?.on("error", () => undefined);
    let shown = "";
    let next = 0;
    let seen = 0;
    child.stdout?.on("data", (text: string) => {
      shown += text;
      // eslint-disable-next-line no-control-regex
      const plain = shown.slice(seen).replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "");
      if (asks[next]?.test(plain) !== true) return;
      seen = shown.length;
      const answer = answers[next++] ?? "";
      // The echo is off a moment after the question is there.
      setTimeout(() => child.stdin?.write(answer === "\u0003" ? answer : `${answer}\r`), 100);
    });
  });
}
