import { spawnSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { parse, parseAllDocuments } from "yaml";
import { WgFile } from "../../../src/daemon/tunnel/wg-file.js";
import { ROOT } from "../../support/generated.js";

const SETUP = join(ROOT, "deploy/gateway/setup");
const noWg = spawnSync("sh", ["-c", "command -v wg"]).status !== 0 && "needs wg (wireguard-tools)";

function setUp(directory: string, ...args: string[]): { status: number | null; said: string } {
  const argv = [SETUP, "--root", join(directory, "root"), "--outside", "eth9", ...args];
  const { status, stdout, stderr } = spawnSync("sh", argv, { cwd: directory, encoding: "utf8" });
  return { status, said: stdout + stderr };
}

void test("one command makes a gateway, and more boxes later", { skip: noWg }, (t) => {
  const directory = t.testdir({});
  const first = setUp(directory, "--endpoint", "gw.example.org", "kitchen", "hall");
  t.equal(first.status, 0, first.said);
  const key = /PrivateKey = (.*)/.exec(readFileSync(join(directory, "root/etc/hushbox/gateway.conf"), "utf8"))?.[1];
  const second = setUp(directory, "--endpoint", "[2001:db8::1]:4500", "hall", "porch");
  t.equal(second.status, 0, second.said);

  const gateway = WgFile.read(join(directory, "root/etc/hushbox/gateway.conf"));
  t.same(
    gateway.peers.map(({ name }) => name),
    ["kitchen", "hall", "porch"],
  );
  t.equal(new Set(gateway.peers.flatMap(({ allowedIps }) => allowedIps)).size, 6, "each box has its own addresses");
  t.equal(gateway.listenPort, 51820);
  for (const [i, name] of ["kitchen", "hall", "porch"].entries()) {
    const path = join(directory, `${name}.conf`);
    const box = WgFile.read(path);
    t.same(box.addresses, gateway.peers[i]?.allowedIps, `${name} has the addresses that the gateway allows it`);
    t.equal(statSync(path).mode & 0o777, 0o600, "a key is for its owner's eyes");
  }
  t.same(WgFile.read(join(directory, "porch.conf")).peers[0]?.endpoint, { host: "2001:db8::1", port: 4500 });
  t.match(readFileSync(join(directory, "root/etc/hushbox/gateway.conf"), "utf8"), key ?? "nothing", "the key stays");
  t.notMatch(first.said + second.said, /[A-Za-z0-9+/]{43}=/, "no key is printed");
  t.match(parse(readFileSync(join(directory, "root/etc/hushbox/hushbox.yaml"), "utf8")), {
    role: "gateway",
    inside: "eth9",
    outside: "eth9",
    devices: [],
    tunnel: { file: "/etc/hushbox/gateway.conf" },
  });
  t.end();
});

const noNamespace =
  spawnSync("unshare", ["--net", "true"]).status !== 0 && "needs a network namespace (root, util-linux)";

void test("who takes router advertisements goes on to", { skip: noWg || noNamespace }, (t) => {
  // What the kernel has for the interface, and whether it routes already.
  for (const [accepts, routes, keeps] of [
    ["1", "0", true],
    ["2", "1", true],
    ["0", "0", false],
    ["1", "1", false],
  ] as const) {
    const directory = t.testdir({});
    const conf = "/proc/sys/net/ipv6/conf";
    const script = `echo ${routes} >${conf}/all/forwarding; echo ${accepts} >${conf}/lo/accept_ra; exec sh "$@"`;
    const argv = [SETUP, "--root", join(directory, "root"), "--outside", "lo", "--endpoint", "gw.example.org", "hall"];
    const { status, stderr } = spawnSync("unshare", ["--net", "sh", "-c", script, "sh", ...argv], {
      cwd: directory,
      encoding: "utf8",
    });
    t.equal(status, 0, stderr);
    const settings = readFileSync(join(directory, "root/etc/sysctl.d/60-hushbox-gateway.conf"), "utf8");
    t.equal(settings.includes("net/ipv6/conf/lo/accept_ra = 2"), keeps, `${accepts} ${routes}: ${settings}`);
    t.match(settings, /net\.ipv6\.conf\.all\.forwarding = 1/);
  }
  t.end();
});

void test("what is wrong with the command is said before anything is written", { skip: noWg }, (t) => {
  const directory = t.testdir({});
  t.equal(setUp(directory).status, 2);
  t.equal(setUp(directory, "--endpoint", "gw.example.org").status, 2, "no box");
  const named = setUp(directory, "--endpoint", "gw.example.org", "Kitchen Radio");
  t.equal(named.status, 1);
  t.match(named.said, /a box's name is of lower-case letters/);
  t.throws(() => statSync(join(directory, "root/etc/hushbox/gateway.conf")));
  t.end();
});

void test("the manifest is of one deployment, keeps boxes at their replica, and holds no key", (t) => {
  const text = readFileSync(join(ROOT, "deploy/gateway/kubernetes.yaml"), "utf8");
  const documents = parseAllDocuments(text);
  t.same(
    documents.flatMap(({ errors }) => errors),
    [],
  );
  t.match(
    documents.map((document) => document.toJS() as unknown),
    [
      { kind: "Deployment", spec: { template: { metadata: { labels: { app: "wireguard" } } } } },
      {
        kind: "Service",
        spec: { sessionAffinity: "ClientIP", selector: { app: "wireguard" }, ports: [{ protocol: "UDP" }] },
      },
    ],
  );
  t.notMatch(text, /[A-Za-z0-9+/]{43}=/);
  t.end();
});
