import { readdirSync, readFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { pause } from "../bench/child.js";

/** What the packets' thread calls itself. */
const NAME = "hushbox-packets";

// A signal would stop the whole process; a tracer stops one thread. It waits for the thread's end, since until its tracer knows of it no process is
// really gone. When the tracer ends, the thread goes on.
const HOLD = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread, SEIZE, INTERRUPT, ALL = int(sys.argv[1]), 0x4206, 0x4207, 0x40000000
for request in (SEIZE, INTERRUPT):
    if libc.ptrace(request, thread, None, None) < 0: sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(thread, ALL)
print("held", flush=True)
os.waitpid(thread, ALL)
`;

/** Stops the thread of a daemon that moves packets, and that one alone, until `release` is called. */
export async function holdLoop(daemon: number): Promise<{ release: () => Promise<void> }> {
  const child = spawn("python3", ["-c", HOLD, String(await loopThread(daemon))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      resolve();
    });
  });
  await Promise.race([new Promise((resolve) => child.stdout.once("data", resolve)), ended]);
  if (child.exitCode !== null) throw new Error("the thread could not be held");
  return {
    release: () => {
      child.kill();
      return ended;
    },
  };
}

async function loopThread(daemon: number): Promise<number> {
  const tasks = `/proc/${String(daemon)}/task`;
  for (let i = 0; i < 200; i++) {
    for (const thread of readdirSync(tasks)) {
      if (readFileSync(`${tasks}/${thread}/comm`, "utf8").trim() === NAME) return Number(thread);
    }
    await pause(10);
  }
  throw new Error(`no thread of ${String(daemon)} is the packets' own`);
}
