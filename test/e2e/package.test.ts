// The packages: built, looked into, installed, upgraded and purged under a real systemd on a layer above this machine's files:
//
//     speaker eth0 ── in0 box(systemd, dpkg: hushbox.deb) out0 ── lan0 router
//
// Needs npm's registry and the cross compiler; for the installation root, systemd, dpkg and what the laboratory needs; for arm64 qemu-user and
// mmdebstrap. What is missing is skipped aloud.
import { createHash } from "node:crypto";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tap, { test } from "tap";
import { command, which } from "../../src/emulator/command.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { wgFiles } from "../../src/emulator/wireguard.js";
import { MARK } from "../../src/daemon/tunnel/names.js";
import { VERSION } from "../../src/main/version.js";
import { ROOT } from "../support/generated.js";
import { SystemdBox } from "../support/systemd-box.js";

tap.setTimeout(1_800_000);

const ARCHITECTURES = ["amd64", "arm64"] as const;
/** e_machine of an ELF file (elf(5)). */
const MACHINES = { amd64: 62, arm64: 183 };
const HOME = "usr/lib/hushbox";

const work = mkdtempSync(join(tmpdir(), "hushbox-package-"));
tap.teardown(() => {
  rmSync(work, { recursive: true, force: true });
});

/** Runs a program, its own npm and Node options left out; throws with what it said where it failed. */
async function good(file: string, args: readonly string[], seconds = 900): Promise<string> {
  const bare = ["-u", "NODE_OPTIONS", "-u", "npm_config_local_prefix", "-u", "npm_config_prefix", "-u", "INIT_CWD"];
  const { code, stdout, stderr } = await command("env", [...bare, file, ...args], { timeout: seconds * 1000 });
  if (code !== 0) throw new Error(`${file} ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

const lacking = (["dpkg-deb", "npm", "aarch64-linux-gnu-gcc", "x86_64-linux-gnu-gcc"] as const).filter(
  (program) => which(program) === null,
);
const unbuildable =
  lacking.length > 0
    ? `needs ${lacking.join(", ")} (packages dpkg, npm, gcc-aarch64-linux-gnu, gcc)`
    : (await command("npm", ["ping"])).code !== 0 && "needs npm's registry";
const deb = (architecture: string, folder = join(work, "debs")): string =>
  join(folder, `hushbox_${VERSION}_${architecture}.deb`);
const elsewhere = join(work, "elsewhere/project");
const again = join(work, "again");
// Twice, side by side: each waits for one compiler and one compressor after the other.
if (unbuildable === false) await Promise.all([build(), buildAgain()]);

/** In this checkout, as of the time of the last commit; where there is no git, of a given one. */
async function build(): Promise<void> {
  const time = (await committed()) === "" ? ["SOURCE_DATE_EPOCH=1"] : [];
  await good("env", [...time, "sh", join(ROOT, "deploy/deb/build"), "--out", join(work, "debs"), ...ARCHITECTURES]);
}

/** In another folder, with another mask of permissions, at another moment, among files that are no part of it. */
async function buildAgain(): Promise<void> {
  mkdirSync(elsewhere, { recursive: true });
  for (const name of readdirSync(ROOT))
    if (!["build", "node_modules", ".git", ".tap", "test"].includes(name))
      cpSync(join(ROOT, name), join(elsewhere, name), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(elsewhere, "node_modules"));
  mkdirSync(join(elsewhere, "build/src"), { recursive: true });
  writeFileSync(join(elsewhere, "build/src/gone.js"), "left over");
  const epoch = (await committed()) || "1";
  const line = `umask 077; SOURCE_DATE_EPOCH=${epoch} sh deploy/deb/build --out ${again} ${ARCHITECTURES.join(" ")}`;
  await good("sh", ["-c", `cd ${elsewhere} && sleep 1 && ${line}`]);
}

/** When the last commit was made, in seconds; "" without git. */
async function committed(): Promise<string> {
  return (await command("git", ["-C", ROOT, "log", "-1", "--format=%ct"])).stdout.trim();
}

/** A package's files, unpacked. */
async function unpacked(architecture: string): Promise<string> {
  const tree = join(work, architecture);
  rmSync(tree, { recursive: true, force: true });
  await good("dpkg-deb", ["-R", deb(architecture), tree]);
  return tree;
}

void test("the same input gives the same bytes", { skip: unbuildable }, async (t) => {
  if ((await committed()) === "") t.comment("no git: both are built with a given time");
  for (const architecture of ARCHITECTURES) {
    const hash = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
    t.equal(hash(deb(architecture, again)), hash(deb(architecture)), architecture);
  }
});

void test("what is in it", { skip: unbuildable }, async (t) => {
  for (const architecture of ARCHITECTURES) {
    const list = (await good("dpkg-deb", ["-c", deb(architecture)])).trim().split("\n");
    const entries = list.map((line) => {
      const [, mode = "", owner = "", , , , path = ""] =
        /^(\S+) (\S+) +(\d+) (\S+) (\S+) \.\/(.*?)(?: -> .*)?$/.exec(line) ?? [];
      return { mode, owner, path };
    });
    t.ok(entries.length > 500 && entries.every(({ mode }) => mode !== ""), `${architecture}: every line was read`);
    t.same([...new Set(entries.map(({ owner }) => owner))], ["root/root"]);
    const modes = { d: ["drwxr-xr-x"], "-": ["-rw-r--r--", "-rwxr-xr-x"], l: ["lrwxrwxrwx"] } as Record<
      string,
      string[]
    >;
    t.same(
      entries.filter(({ mode }) => !(modes[mode.charAt(0)] ?? []).includes(mode)),
      [],
      "permissions",
    );
    const programs = entries.filter(({ mode }) => mode.startsWith("-") && mode.includes("x")).map(({ path }) => path);
    t.same(programs.sort(), ["usr/bin/hushbox", `${HOME}/build/src/main.js`]);

    const outside = entries
      .map(({ path }) => path)
      .filter((path) => path !== "" && !path.startsWith(`${HOME}/`) && !path.endsWith("/"));
    const places =
      /^usr\/(bin\/hushbox|share\/doc\/hushbox\/.+|lib\/(systemd\/system\/hushbox[a-z-]*\.service|(sysusers|tmpfiles)\.d\/hushbox\.conf))$/;
    t.same(
      outside.filter((path) => !places.test(path)),
      [],
      "nothing in /etc, and nothing under a name that is not ours",
    );
    for (const name of readdirSync(join(ROOT, "systemd")).filter((name) => name.endsWith(".service")))
      t.ok(outside.includes(`usr/lib/systemd/system/${name}`), name);

    const inside = entries.map(({ path }) => path).filter((path) => path.startsWith(`${HOME}/`));
    const binaries = inside.filter((path) => /\.(node|so|a|o)$/.test(path));
    t.same(binaries, [`${HOME}/build/native/ring.node`], "one binary");
    const superfluous =
      /\.(ts|mts|cts|map|md|tsbuildinfo)$|\/build\/(test|bench)\/|\/node_modules\/(typescript|tap|eslint|cap|raw-socket|\.[^/]*)\/|\/gone\.js$/;
    t.same(
      inside.filter((path) => superfluous.test(path) && path !== `${HOME}/README.md`),
      [],
      "nothing that only developers need",
    );

    const tree = await unpacked(architecture);
    const header = readFileSync(join(tree, HOME, "build/native/ring.node"));
    t.equal(header.subarray(0, 4).toString("latin1"), "\x7fELF");
    t.equal(header.readUInt16LE(18), MACHINES[architecture], `the packet ring is for ${architecture}`);
    // Where it was made: this checkout, the folder for temporary files, the home of whoever made it.
    const traces = [ROOT, join(tmpdir(), "hushbox-deb")].flatMap((path) => ["-e", path]);
    t.equal((await command("grep", ["-rlF", ...traces, tree])).stdout, "", "no path of the machine that made it");

    const control = readFileSync(join(tree, "DEBIAN/control"), "utf8");
    t.match(control, `\nVersion: ${VERSION}\nArchitecture: ${architecture}\n`);
    const [, size = ""] = /^Installed-Size: (\d+)$/m.exec(control) ?? [];
    t.comment(`${architecture}: ${readFileSync(deb(architecture)).length} bytes, ${size} KiB installed`);
    t.ok(Number(size) > 1000 && Number(size) < 20_000, `${size} KiB installed; the development tree takes some 280 MB`);
    const sums = await command("sh", ["-c", `cd ${tree} && md5sum --quiet -c DEBIAN/md5sums`]);
    t.equal(sums.code, 0, sums.stdout);
    for (const script of ["postinst", "prerm", "postrm"]) {
      t.notMatch(readFileSync(join(tree, "DEBIAN", script), "utf8"), /@\w+@/, `${script}: every name is filled in`);
      await good("sh", ["-n", join(tree, "DEBIAN", script)]);
    }
    t.throws(
      () => readFileSync(join(tree, "DEBIAN/conffiles")),
      { code: "ENOENT" },
      "no file of the user's is the package's",
    );
  }
});

void test("nothing that is asked for was left out", { skip: unbuildable }, async (t) => {
  const home = join(await unpacked("amd64"), HOME);
  const modules = readdirSync(join(home, "node_modules"), { recursive: true, encoding: "utf8" });
  const missing: string[] = [];
  let asked = 0;
  for (const name of modules.filter((name) => /\.[cm]?js$/.test(name) && isFile(join(home, "node_modules", name)))) {
    const text = readFileSync(join(home, "node_modules", name), "utf8");
    for (const [, wanted = ""] of text.matchAll(/\b(?:from|require\(|import\() ?["'](\.[^"']*)["']/g)) {
      const found = (root: string): boolean =>
        ["", ".js", ".json", ".cjs", "/index.js"].some((end) =>
          isFile(join(root, "node_modules", name, "..", wanted + end)),
        );
      asked++;
      // Types are named in comments, and what npm itself did not bring is asked for in vain everywhere.
      if (!wanted.endsWith(".ts") && found(ROOT) && !found(home)) missing.push(`${name}: ${wanted}`);
    }
  }
  t.ok(asked > 1000, `${asked} files of npm packages are asked for by others`);
  t.same(missing, []);
});

void test("what it imports from npm is in it", { skip: unbuildable }, async (t) => {
  const home = join(await unpacked("amd64"), HOME);
  const source = readdirSync(join(home, "build/src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => readFileSync(join(home, "build/src", name), "utf8"))
    .join("\n");
  const names = new Set([...source.matchAll(/(?:\bfrom|\bimport\() ?"([a-z@][^":]*)"/g)].map(([, name = ""]) => name));
  t.ok(names.has("fastify") && names.has("hyparquet-writer") && names.size > 10, [...names].join(" "));
  const all = join(home, "all.mjs");
  writeFileSync(all, [...names].map((name) => `await import(${JSON.stringify(name)});`).join("\n"));
  await good(process.execPath, [all]);
  const capture = join(work, "speaker.pcap");
  const main = join(home, "build/src/main.js");
  await good(process.execPath, [main, "emulate", "pcap", capture, "--duration", "20s"]);
  await good(process.execPath, [main, "features", capture, "--out", join(work, "speaker.parquet")]);
  t.equal(readFileSync(join(work, "speaker.parquet")).subarray(0, 4).toString(), "PAR1");
});

void test(
  "lintian finds no fault",
  { skip: unbuildable || (which("lintian") === null && "needs lintian") },
  async (t) => {
    // Packages of npm are carried along, not Debian's, with programs that nobody calls; `--help` is the manual page; and it is in no archive
    // that could have given a bug its number.
    const accepted = [
      "embedded-javascript-library",
      "no-manual-page",
      "initial-upload-closes-no-bugs",
      "script-not-executable",
    ];
    const tags = ["--suppress-tags", accepted.join(","), "--fail-on", "error,warning", "--allow-root"];
    const { code, stdout, stderr } = await command("lintian", [...tags, ...ARCHITECTURES.map((name) => deb(name))], {
      timeout: 300_000,
    });
    t.equal(code, 0, `${stdout}${stderr}`);
  },
);

void test("npm's tarball installs for everybody, without a compiler", { skip: unbuildable }, async (t) => {
  await good("sh", ["-c", `cd ${elsewhere} && npm pack --silent --pack-destination ${work}`]);
  const prefix = join(work, "global");
  // Scripts of packages are not run, as newer npm does unless it is told to.
  const tarball = join(work, `hushbox-${VERSION}.tgz`);
  await good("npm", [
    "install",
    "--silent",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "-g",
    "--prefix",
    prefix,
    tarball,
  ]);
  const hushbox = join(prefix, "bin/hushbox");
  t.equal(await good(hushbox, ["--version"]), `hushbox ${VERSION}\n`);
  const home = join(prefix, "lib/node_modules/hushbox");
  const { native } = (await import(join(home, "build/src/nic/native.js"))) as { native: () => object };
  t.ok("ringOpen" in native(), "the packet ring that it brings along loads");
  const [size = "0"] = (await good("du", ["-sk", "--apparent-size", prefix])).split("\t");
  t.comment(`${readFileSync(tarball).length} bytes, ${size} KiB installed`);
  t.ok(Number(size) < 60_000);

  // On a machine for which nothing was compiled it says what to do, and that does it.
  for (const name of ["x64", "arm64"]) rmSync(join(home, `build/native/ring-${name}.node`));
  const load = `import("${home}/build/src/nic/native.js").then(({ native }) => native())`;
  const without = await command(process.execPath, ["-e", load]);
  t.not(without.code, 0);
  t.match(without.stderr, `is not compiled for this machine: run \`sh ${home}/native/build\``);
  await good("sh", [join(home, "native/build")]);
  await good(process.execPath, ["-e", load]);
});

void test("on arm64", { skip: unbuildable }, async (t) => {
  // Those which touch the packet ring, and a worker thread; all others: sh test/arm64/run.
  const files = ["nic/offload", "daemon/daemon", "datapath/evented-loop"].map(
    (name) => `build/test/unit/${name}.test.js`,
  );
  const environment = [`HUSHBOX_DEB=${deb("arm64")}`];
  const { code, stdout, stderr } = await command(
    "env",
    [...environment, "sh", join(ROOT, "test/arm64/run"), ...files],
    { timeout: 600_000 },
  );
  if (code === 77) {
    await t.test("under emulation", { skip: stderr.trim() }, () => undefined);
    return;
  }
  t.equal(code, 0, `${stdout}${stderr}`);
  t.match(stdout, / arm64, \d+ functions in the packet ring\n/);
});

const uninstallable =
  unbuildable ||
  (Laboratory.unavailable() ??
    SystemdBox.unavailable() ??
    (which("dpkg") === null && "needs dpkg, and a Debian system"));

/** Whoever is root on a machine with the package: what it holds outside of what packages own, and how it is told. */
class Machine {
  readonly #box: SystemdBox;

  constructor(box: SystemdBox) {
    this.#box = box;
  }

  async good(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.#box.run(line, { timeout: 120_000 });
    if (code !== 0)
      throw new Error(`${line}: ${stderr}${stdout}${(await this.#box.run("journalctl -o cat -n 20")).stdout}`);
    return stdout;
  }

  install(file: string): Promise<string> {
    // Node need not come from a package here.
    return this.good(`dpkg --force-depends -i /mnt/${file} 2>&1`);
  }

  show(property: string): Promise<string> {
    return this.#box.show("hushbox", property);
  }

  /** An access point as for the next boot: there is no radio here, so the tree of files that is prepared is this machine's own. */
  setUp(more = ""): Promise<string> {
    const cards = `--inside ${TOPOLOGY.box.inside} --outside ${TOPOLOGY.box.outside}`;
    return this.good(
      `echo 'a good password' > /tmp/password && hushbox setup --root /. --yes ${cards} --ssid speakers \\
        --password-file /tmp/password --country DE --device kitchen=${TOPOLOGY.speaker.mac} ${more}`,
    );
  }

  /**
   * Every file: what it is, whose, its size, in /etc its contents too. Left out: dpkg's own notes, logs, what other programs keep about time,
   * the copies that useradd's and userdel's relatives make of the lists of users before they change them, and what npm keeps, which whoever
   * works on the machine below may change meanwhile.
   */
  async files(): Promise<Set<string>> {
    const list = await this
      .good(`find /etc /usr /var /opt /home /root /srv -xdev \\( -path /var/lib/dpkg -o -path /var/log \\
      -o -path '/var/cache' -o -path /var/lib/systemd/timers -o -path /var/lib/systemd/random-seed -o -path /var/lib/systemd/catalog \\
      -o -path /var/tmp -o -path /root/.npm -o -path '/etc/passwd-' -o -path '/etc/shadow-' -o -path '/etc/group-' -o -path '/etc/gshadow-' \\) -prune \\
      -o -type d -printf '%y %m %u %p\\n' -o -printf '%y %m %u %s %l %p\\n' | sort`);
    const sums = await this.good(`find /etc -xdev -type f ! -name '*-' -exec md5sum {} + | sort -k 2`);
    return new Set(`${list}${sums}`.split("\n"));
  }
}

void test("installed, upgraded, removed and purged", { skip: uninstallable, timeout: 600_000 }, async (t) => {
  const laboratory = await Laboratory.build({ name: "hx-deb", state: join(work, "laboratory") });
  const debs = join(work, "debs");
  const directory = join(work, "box");
  mkdirSync(directory);
  t.teardown(() => laboratory.remove());
  const box = await SystemdBox.boot(laboratory, directory, { from: debs, at: "/mnt" });
  t.teardown(() => box.stop());
  await laboratory.run("box", ["ip", "link", "set", "lo", "up"]);
  const machine = new Machine(box);
  const architecture = (await good("dpkg", ["--print-architecture"])).trim();
  const first = `hushbox_${VERSION}_${architecture}.deb`;
  const next = await nextVersion(architecture, debs);
  const ping = async (): Promise<boolean> =>
    (await laboratory.run("speaker", ["ping", "-n", "-c2", "-W2", TOPOLOGY.router.v4])).code === 0;
  // This machine may forbid its packages to start services.
  await machine.good("rm -f /usr/sbin/policy-rc.d");
  // What reads or writes the list of users for the first time may leave a lock file.
  await machine.good("touch /etc/.pwd.lock && chmod 600 /etc/.pwd.lock");
  const before = await machine.files();

  await t.test("is there and does nothing until it is told what to do", async (t) => {
    t.match(
      await machine.install(first),
      /hushbox is installed and does not run yet: write \/etc\/hushbox\/hushbox.yaml/,
    );
    t.equal(await machine.show("ActiveState"), "inactive");
    t.equal(await machine.show("UnitFileState"), "disabled");
    t.equal(await machine.good("hushbox --version"), `hushbox ${VERSION}\n`);
    t.equal(await machine.good("stat -c '%U %G %a' /etc/hushbox"), "hushbox hushbox 750\n");
    t.equal(await machine.good("ls -A /etc/hushbox"), "", "no file in it");
    t.match(await machine.good("getent passwd hushbox"), /:\/var\/lib\/hushbox:\S*(nologin|false)$/m);
    const check = await box.run("hushbox check");
    t.equal(check.code, 1);
    t.match(check.stdout, "/etc/hushbox/hushbox.yaml", "check names the file that is missing");
    // Installing what is there already is an upgrade, and still starts nothing.
    await machine.install(first);
    t.equal(await machine.show("ActiveState"), "inactive");
  });

  await t.test("defends", async (t) => {
    t.notOk(await ping());
    await machine.good(
      `sed -e 's/^inside:.*/inside: ${TOPOLOGY.box.inside}/; s/^outside:.*/outside: ${TOPOLOGY.box.outside}/' \\
        -e 's/aa:bb:cc:dd:ee:ff/${TOPOLOGY.speaker.mac}/' /usr/share/doc/hushbox/examples/hushbox.yaml > /etc/hushbox/hushbox.yaml`,
    );
    await machine.good("systemctl enable --now hushbox");
    t.ok(await ping());
    t.match(await machine.good("hushbox status"), /paper/);
    t.match(await machine.good("hushbox set preset standalone --persist"), /saved to the file/);
    t.match(await machine.good("curl -sf http://127.0.0.1:8377/docs/"), "swagger-ui", "the API's documentation");
  });

  await t.test("is another version after an upgrade, with the user's files as they were", async (t) => {
    const kept =
      "md5sum /etc/hushbox/hushbox.yaml /var/lib/hushbox/token && stat -c '%U %a %y' /etc/hushbox/hushbox.yaml /var/lib/hushbox/token";
    const files = await machine.good(kept);
    const process = await machine.show("MainPID");
    const began = Date.now();
    t.notMatch(await machine.install(next.file), /does not run yet/);
    t.comment(`upgraded in ${Date.now() - began} ms`);
    t.equal(await machine.show("ActiveState"), "active");
    t.not(await machine.show("MainPID"), process, "a new process");
    t.match(await machine.good("hushbox --version"), next.version);
    t.match(
      await machine.good("curl -sf http://127.0.0.1:8377/metrics | grep ^hushbox_build_info"),
      next.version,
      "runs the new one",
    );
    t.equal(await machine.good(kept), files);
    t.match(await machine.good("hushbox status"), /standalone/);
    t.ok(await ping());

    await machine.good("systemctl stop hushbox");
    await machine.install(first);
    t.equal(await machine.show("ActiveState"), "inactive", "one that was stopped stays so");
    t.equal(await machine.show("UnitFileState"), "enabled");
    await machine.good("systemctl start hushbox");
  });

  await t.test("keeps its files when it is removed, and knows them when it comes back", async (t) => {
    await machine.good("dpkg -r hushbox");
    t.equal((await box.run("pgrep -u hushbox")).stdout, "", "nothing runs");
    t.notOk(await ping());
    await machine.good(
      "test -s /etc/hushbox/hushbox.yaml && test -s /var/lib/hushbox/token && getent passwd hushbox && ! test -e /usr/lib/hushbox",
    );
    await machine.install(first);
    t.equal(await machine.show("UnitFileState"), "enabled", "it starts with the machine, as before");
    await machine.good("systemctl start hushbox");
    t.ok(await ping());
  });

  await t.test("is not removed over files that were changed by hand since setup wrote them", async (t) => {
    const config = "md5sum /etc/hushbox/hushbox.yaml && stat -c '%U %a %Y' /etc/hushbox/hushbox.yaml";
    const ours = await machine.good(config);
    await machine.setUp("--preset off");
    t.not(await machine.good(config), ours);
    await machine.good("echo '# mine' >> /etc/hushbox-ap/hostapd.conf");
    const refused = await box.run("dpkg -r hushbox");
    t.not(refused.code, 0);
    t.match(refused.stderr, /hostapd\.conf was changed by hand[^]*hushbox is not removed: first take back/);
    t.equal(await machine.good("hushbox --version"), `hushbox ${VERSION}\n`, "and is all there");
    t.match(await machine.good("hushbox setup --undo --force"), "/var/lib/hushbox-setup-changed");
    t.equal(await machine.good(config), ours);
  });

  await t.test("takes back what setup did, guard and kill switch too, when it is removed", async (t) => {
    const config = "md5sum /etc/hushbox/hushbox.yaml && stat -c '%U %a %Y' /etc/hushbox/hushbox.yaml";
    const ours = await machine.good(config);
    await machine.setUp("--on-failure closed");
    const { inside, outside } = TOPOLOGY.box;
    const kitchen = `devices: [{name: kitchen, mac: "${TOPOLOGY.speaker.mac}"}]`;
    await machine.good(`cat > /tmp/tunnel.conf <<'END' && chmod 600 /tmp/tunnel.conf\n${wgFiles().box}END`);
    await machine.good(
      `printf '%s\\n' 'inside: ${inside}' 'outside: ${outside}' 'preset: tunnel' '${kitchen}' 'tunnel: {file: /tmp/tunnel.conf}' > /tmp/tunnel.yaml`,
    );
    await machine.good("systemctl daemon-reload && hushbox guard && hushbox tunnel guard --config /tmp/tunnel.yaml");
    const tables = (await machine.good("nft list tables")).trim().split("\n").sort();
    t.ok(tables.includes("table bridge hushbox_guard"), "the guard is in force");
    t.ok(tables.length > 1, `so is the kill switch: ${tables.join(", ")}`);
    const { code, stdout, stderr } = await box.run("dpkg -r hushbox", { timeout: 120_000 });
    t.equal(code, 0, stderr);
    t.match(stdout + stderr, "taking back what 'hushbox setup' changed");
    t.equal(await machine.good("nft list tables"), "", "nobody is kept offline by a program that is gone");
    const gone = "/var/lib/hushbox-setup /etc/hushbox-ap /etc/systemd/network/00-hushbox-*";
    t.equal(await machine.good(`ip rule show priority ${MARK}; ls -d ${gone} 2>/dev/null || true`), "");
    t.equal(await machine.good(config), ours, "the configuration is as before setup");
    await machine.install(first);
    await machine.good("systemctl start hushbox");
  });

  await t.test("leaves nothing when it is purged", async (t) => {
    await machine.good("dpkg -P hushbox");
    const after = await machine.files();
    t.same(
      [...after].filter((line) => !before.has(line)),
      [],
      "nothing new",
    );
    t.same(
      [...before].filter((line) => !after.has(line)),
      [],
      "nothing gone or changed",
    );
    t.equal((await box.run("getent passwd hushbox; getent group hushbox")).stdout, "");
    t.equal((await box.run("systemctl cat hushbox")).code, 1);
    t.equal((await box.run("dpkg -s hushbox")).code, 1);
  });
});

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The same package under a later version. */
async function nextVersion(architecture: string, folder: string): Promise<{ version: string; file: string }> {
  const tree = await unpacked(architecture);
  const version = `${VERSION}+next`;
  const rename = (path: string, from: string, to: string): void => {
    const text = readFileSync(join(tree, path), "utf8");
    if (!text.includes(from)) throw new Error(`${path} does not say ${from}`);
    writeFileSync(join(tree, path), text.replace(from, to));
  };
  rename("DEBIAN/control", `Version: ${VERSION}`, `Version: ${version}`);
  rename(`${HOME}/package.json`, `"version": "${VERSION}"`, `"version": "${version}"`);
  await good("dpkg-deb", ["--root-owner-group", "-Zgzip", "-b", tree, join(folder, "next.deb")]);
  return { version, file: "next.deb" };
}
