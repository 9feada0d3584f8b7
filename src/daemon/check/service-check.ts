import { accessSync, constants, existsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import type { Settings } from "../../config/settings.js";
import type { Finding } from "./finding.js";

/** A clock behind this is one that nobody has set: hushbox did not exist then. */
const BORN = Date.UTC(2026, 0, 1);

/** What the daemon keeps, who may read its token, where it listens, what time it is. */
export async function checkService({ api, state }: Settings, now: number): Promise<Finding[]> {
  return [stateDirectory(state), ...token(api.tokenFile), await listening(api.host, api.port), clock(now)];
}

function stateDirectory(path: string): Finding {
  const what = "state";
  let there = path;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return { status: "ok", what, message: there === path ? `${path} is writable` : `${path} will be made` };
  } catch {
    return {
      status: "fail",
      what,
      message: `${path} cannot be written by this user`,
      advice: "run as root (sudo), or set state to a directory that is writable",
    };
  }
}

function token(path: string): Finding[] {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined || (facts.mode & 0o077) === 0) return [];
  return [{ status: "warn", what: "token", message: `${path} can be read by others`, advice: `chmod 600 ${path}` }];
}

async function listening(host: string, port: number): Promise<Finding> {
  const what = "api";
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
    return { status: "ok", what, message: `${host} port ${port} is free` };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE")
      return {
        status: "warn",
        what,
        message: `${host} port ${port} is in use, perhaps by a running hushbox`,
        advice: "stop it first, or set api.listen to another port",
      };
    return {
      status: "fail",
      what,
      message: `cannot listen on ${host} port ${port}: ${message}`,
      advice: "set api.listen to an address of this machine",
    };
  } finally {
    server.close();
  }
}

function clock(now: number): Finding {
  const what = "clock";
  const date = new Date(now).toISOString();
  if (now >= BORN) return { status: "ok", what, message: date };
  return {
    status: "warn",
    what,
    message: `it is ${date} here: monthly budgets begin at the wrong time`,
    advice: "timedatectl set-ntp true",
  };
}
