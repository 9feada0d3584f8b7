import { spawn, type ChildProcess } from "node:child_process";
import { tool } from "../../emulator/command.js";

/** Deaf to the service manager, which ends what a dead daemon left: it ends by itself when nobody holds the other end of its input. */
const SCRIPT = 'trap "" TERM INT HUP; cat >/dev/null; exec "$1" link del "$2" 2>/dev/null';

/**
 * Starts a program that takes an interface of the kernel's away when this process ends, however it does (kill -9 too), or when the program's
 * input is ended. An interface that is gone by then is no matter. `ip`: the program that removes it.
 */
export function followLink(name: string, ip: string = tool("ip")): ChildProcess {
  const child = spawn("/bin/sh", ["-c", SCRIPT, "sh", ip, name], { stdio: ["pipe", "ignore", "ignore"] });
  child.stdin.on("error", () => {
    // It is gone; the next look makes the interface anew where that is gone too.
  });
  return child;
}
