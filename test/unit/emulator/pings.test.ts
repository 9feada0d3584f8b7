import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "tap";
import { missingPackages, which } from "../../../src/emulator/command.js";
import { ROOT } from "../../support/generated.js";

const packages = missingPackages(["ip", "ping"]);
const skip =
  process.getuid?.() !== 0
    ? "needs root, for a network namespace"
    : packages.length > 0
      ? `install the Debian packages ${packages.join(" ")}`
      : (which("unshare") === null || which("python3") === null) && "needs unshare and python3";

/** Answers echo requests instead of the kernel: the first at once, the second after two seconds, no others. */
const ANSWERS = `
import socket, struct, threading, time
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
print("ready", flush=True)
def answer(data, to, wait):
    time.sleep(wait)
    icmp = bytes([0, 0, 0, 0]) + data[4:]
    total = sum(struct.unpack("!%dH" % (len(icmp) // 2), icmp))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    s.sendto(icmp[:2] + struct.pack("!H", 0xffff - total) + icmp[4:], to)
waits = [0, 2]
while True:
    data, to = s.recvfrom(2000)
    if data[20] == 8 and waits:
        threading.Thread(target=answer, args=(data[20:], to, waits.pop(0)), daemon=True).start()
`;

/** What pings() says of `count` of them, a tenth of a second apart, in a network of its own. */
function ask(count: number, patience: number): unknown {
  const module = join(ROOT, "build/src/emulator/pings.js");
  const program = `import { spawn } from "node:child_process";
import { once } from "node:events";
import { pings } from ${JSON.stringify(module)};
const answers = spawn("python3", ["-c", ${JSON.stringify(ANSWERS)}], { stdio: ["ignore", "pipe", "inherit"] });
await once(answers.stdout, "data");
console.log(JSON.stringify(await pings("127.0.0.1", ${JSON.stringify({ count, every: 100, patience })})));
answers.kill("SIGKILL");`;
  const script = 'ip link set lo up && echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all && exec "$@"';
  const argv = [process.execPath, "--input-type=module", "-e", program];
  const run = spawnSync("unshare", ["--net", "sh", "-c", script, "sh", ...argv], { encoding: "utf8", timeout: 60_000 });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as unknown;
}

void test("each ping has all of its patience, however fast the first was answered", { skip }, (t) => {
  t.match(ask(2, 8000), { received: 2 });
  t.match(ask(2, 1000), { received: 1 }, "later than that is none");
  t.match(ask(3, 4000), { received: 2 }, "nor is what never comes");
  t.end();
});
