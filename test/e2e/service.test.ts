// The shipped unit under a real systemd, PID 1 of namespaces of its own on top of this machine's files:
//
//     speaker eth0 ── in0 box(systemd: hushbox.service) out0 ── lan0 router
//
// Needs root, systemd, python3, and what the laboratory needs; skipped aloud without them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "tap";
import { tool } from "../../src/emulator/command.js";
import { Laboratory } from "../../src/emulator/laboratory.js";
import { TOPOLOGY } from "../../src/emulator/topology.js";
import { pause } from "../bench/child.js";
import { boxMissing } from "../support/box-missing.js";
import { holdLoop } from "../support/held-loop.js";
import { SystemdBox } from "../support/systemd-box.js";

const skip = SystemdBox.unavailable() ?? boxMissing([], "python3");

const CONFIG = `# The test's.
inside: ${TOPOLOGY.box.inside}
outside: ${TOPOLOGY.box.outside}
preset: off
devices: [{name: kitchen, mac: "${TOPOLOGY.speaker.mac}"}]
`;
const HUSHBOX = "node /usr/lib/hushbox/build/src/main.js";

void test("hushbox.service", { skip, timeout: 300_000 }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "hushbox-service-"));
  const laboratory = await Laboratory.build({ name: "hx-unit", state: join(directory, "laboratory") });
  await laboratory.run("box", [tool("ip"), "link", "set", "lo", "up"]);
  const box = await SystemdBox.boot(laboratory, directory);
  t.teardown(async () => {
    await box.stop();
    await laboratory.remove();
    rmSync(directory, { recursive: true, force: true });
  });
  const good = async (command: string): Promise<string> => {
    const { code, stdout, stderr } = await box.run(command);
    if (code !== 0) throw new Error(`${command}: ${stderr}${stdout}${(await box.run("journalctl -n 20")).stdout}`);
    return stdout;
  };
  const ping = async (): Promise<boolean> =>
    (await laboratory.run("speaker", [tool("ping"), "-n", "-c2", "-W2", TOPOLOGY.router.v4])).code === 0;
  const show = (property: string): Promise<string> => box.show("hushbox", property);
  const daemon = (): number => {
    const [pid] = box.processes("system.slice/hushbox.service");
    if (pid === undefined) throw new Error("hushbox does not run");
    return pid;
  };
  const offloads = async (): Promise<string> =>
    (await laboratory.run("box", [tool("ethtool"), "-k", TOPOLOGY.box.inside])).stdout;
  const before = await offloads();

  await t.test("is installed as its first lines say, and starts when packets flow", async (t) => {
    await good(`cd /usr/lib/hushbox &&
      mkdir -p /etc/sysusers.d /etc/tmpfiles.d &&
      cp systemd/sysusers.d/hushbox.conf /etc/sysusers.d/ && systemd-sysusers &&
      cp systemd/tmpfiles.d/hushbox.conf /etc/tmpfiles.d/ && systemd-tmpfiles --create /etc/tmpfiles.d/hushbox.conf &&
      cp systemd/hushbox.service /etc/systemd/system/ && systemctl daemon-reload`);
    await good(`cat > /etc/hushbox/hushbox.yaml << 'END'\n${CONFIG}END`);
    t.notOk(await ping(), "nothing passes before");
    await good("systemctl start hushbox");
    t.ok(await ping(), "and everything the moment it says that it is started");
    t.match(await show("StatusText"), /^preset off, 1 device, API at http:\/\/127\.0\.0\.1:8377$/);
    t.not(await offloads(), before, "offloads are off");
  });

  await t.test("runs as its own user with two capabilities and filtered system calls", async (t) => {
    const status = await good(`cat /proc/${await show("MainPID")}/status`);
    t.match(status, /^Uid:\t([1-9]\d*)\t\1\t\1\t\1$/m);
    for (const set of ["CapEff", "CapPrm", "CapBnd", "CapAmb"]) t.match(status, `${set}:\t0000000000003000\n`);
    t.match(status, "NoNewPrivs:\t1\n");
    t.match(status, "Seccomp:\t2\n");
    t.equal(await good("stat -c '%U %a' /var/lib/hushbox /var/lib/hushbox/token"), "hushbox 700\nhushbox 600\n");
  });

  await t.test("keeps a change in its file, and takes a changed file", async (t) => {
    await good(`${HUSHBOX} set preset paper --persist`);
    t.match(await good("cat /etc/hushbox/hushbox.yaml"), /^preset: paper$/m);
    await good("sed -i 's/^preset: paper/preset: off/' /etc/hushbox/hushbox.yaml && systemctl reload hushbox");
    for (let i = 0; i < 50 && !(await show("StatusText")).startsWith("preset off"); i++) await pause(100);
    t.match(await show("StatusText"), /^preset off/);
    t.equal(await show("ActiveState"), "active");
  });

  await t.test("is started anew when it crashes or hangs", { timeout: 120_000 }, async (t) => {
    let restarts = 0;
    const comesBack = async (after: string, result: RegExp): Promise<void> => {
      restarts++;
      const again = async () =>
        (await show("NRestarts")) === String(restarts) && (await show("ActiveState")) === "active";
      for (let i = 0; i < 200 && !(await again()); i++) await pause(100);
      t.equal(await show("NRestarts"), String(restarts), after);
      t.ok(await ping(), `packets flow again after ${after}`);
      t.match(await good("journalctl -o cat -u hushbox"), result);
    };
    process.kill(daemon(), "SIGKILL");
    await comesBack("a kill", /status=9\/KILL/);
    t.match(await good("journalctl -o cat -u hushbox"), /put back offloads that an earlier run had left off/);

    const { release } = await holdLoop(daemon());
    await comesBack("a loop that stands still while the process lives", /Watchdog timeout/);
    await release();

    process.kill(daemon(), "SIGSTOP");
    await comesBack("a process that is stopped", /(Watchdog timeout[^]*){2}/);
  });

  await t.test("gets a real-time thread where the comment in the unit is followed", async (t) => {
    // Where this machine lets nobody raise a limit (no CAP_SYS_RESOURCE), a capability stands in for LimitRTPRIO=; the rest is as written.
    const { code } = await laboratory.run("box", ["prlimit", "--rtprio=50", "true"]);
    const grant =
      code === 0 ? "LimitRTPRIO=50" : "CapabilityBoundingSet=CAP_SYS_NICE\nAmbientCapabilities=CAP_SYS_NICE";
    t.comment(grant);
    await good(`mkdir -p /etc/systemd/system/hushbox.service.d`);
    await good(`cat > /etc/systemd/system/hushbox.service.d/priority.conf << 'END'
[Service]
RestrictRealtime=no
SystemCallFilter=sched_setscheduler
${grant}
END`);
    await good("echo 'nic: {priority: 10}' >> /etc/hushbox/hushbox.yaml");
    await good("systemctl daemon-reload && systemctl restart hushbox");
    const policies = await good(
      `for task in /proc/${await show("MainPID")}/task/*; do chrt -p $(basename $task); done`,
    );
    t.equal(policies.match(/SCHED_FIFO/g)?.length, 1, policies);
    t.ok(await ping());
  });

  await t.test("takes over from a bridge, with a guard before it", async (t) => {
    const nft = async (): Promise<string> => (await laboratory.run("box", [tool("nft"), "list", "ruleset"])).stdout;
    await good("systemctl stop hushbox && echo 'onFailure: closed' >> /etc/hushbox/hushbox.yaml");
    await laboratory.join();
    t.ok(await ping(), "the bridge passes everything");
    await good(`cp /usr/lib/hushbox/systemd/hushbox-guard.service /etc/systemd/system/ && systemctl daemon-reload &&
      systemctl start hushbox-guard`);
    t.match(await nft(), `elements = { ${TOPOLOGY.speaker.mac} }`);
    t.notOk(await ping(), "and with the guard nothing of the speaker");
    await good("systemctl start hushbox");
    t.match(await nft(), "flags owner");
    t.ok(await ping(), "but what hushbox carries");
    const files = await good(
      `cd /proc/${await show("MainPID")}/task && for task in *; do echo $(cat $task/comm) $(ls $task/fd | wc -l); done`,
    );
    t.match(
      files,
      /^hushbox-keeper 1$/m,
      "the table hangs on a thread with one descriptor, under the filter of system calls too",
    );
    await good("systemctl stop hushbox");
    t.notMatch(await nft(), "flags owner");
    t.notOk(await ping());
    await good("systemctl stop hushbox-guard");
    t.notOk(await ping(), "stopping the guard's unit opens nothing");
    await good(
      "sed -i 's/^onFailure: closed/onFailure: open/' /etc/hushbox/hushbox.yaml && systemctl start hushbox-guard",
    );
    t.equal(await nft(), "");
    t.ok(await ping(), "open: the bridge passes everything");
    await good("systemctl start hushbox");
    process.kill(daemon(), "SIGKILL");
    t.ok(await ping(), "at once after a kill");
    await laboratory.part();
    await good("systemctl restart hushbox");
    t.equal(await nft(), "", "no bridge, no table");
    t.ok(await ping());
  });

  await t.test("stops in order", async (t) => {
    await good("systemctl stop hushbox");
    t.equal(await show("Result"), "success");
    t.equal(await offloads(), before, "offloads are back");
    t.notOk(await ping());
  });
});
