import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { which } from "../../src/emulator/command.js";
import { QUIET_CHROMIUM } from "./quiet-chromium.js";

/** What a file of HTML comes to in a browser. */
export interface OpenedPage {
  /** The document after loading, as the browser writes it. */
  readonly dom: string;
  /** What the console said. */
  readonly console: readonly string[];
  /** What the page asked any network for. */
  readonly requests: readonly string[];
}

/** Requests of the browser's own have no page behind them. */
const REQUEST = /"params":\{"initiator":"(?!not an origin)[^{}]*"network_isolation_key"[^}]*\}?[^}]*?"url":"([^"]+)"/g;

/** Opens a file in Chromium, without a network; `folder`: for the browser's own files. Throws where Chromium does. */
export function openedPage(path: string, folder: string): OpenedPage {
  const log = join(folder, "net.json");
  const ran = spawnSync(
    which("chromium") ?? "chromium",
    [
      ...QUIET_CHROMIUM,
      // Names lead nowhere.
      "--host-resolver-rules=MAP * ~NOTFOUND",
      `--user-data-dir=${join(folder, "profile")}`,
      `--log-net-log=${log}`,
      "--enable-logging=stderr",
      "--dump-dom",
      pathToFileURL(path).href,
    ],
    {
      encoding: "utf8",
      timeout: 60_000,
      maxBuffer: 1 << 28,
      env: { ...process.env, HOME: folder, TMPDIR: folder, XDG_CONFIG_HOME: join(folder, "config") },
    },
  );
  if (ran.status !== 0) throw new Error(`opening ${path} in Chromium: ${ran.stderr.slice(-500)}`, { cause: ran.error });
  const asked = [...readFileSync(log, "utf8").matchAll(REQUEST)].map(([, url = ""]) => url);
  return {
    dom: ran.stdout,
    console: ran.stderr.split("\n").filter((line) => line.includes(":CONSOLE")),
    requests: asked.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")),
  };
}
