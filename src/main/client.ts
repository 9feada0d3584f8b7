import { existsSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { isLoopback } from "../api/guard.js";
import { ConfigFile } from "../config/config-file.js";
import { compile, type ApiSettings } from "../config/settings.js";
import { HushboxError } from "../errors/hushbox-error.js";

/** Where a configuration lies that nobody names. */
export const DEFAULT_CONFIG = "/etc/hushbox/hushbox.yaml";

/** The options by which `status` and `set` find the daemon. */
export const CLIENT_OPTIONS = {
  config: { type: "string" },
  url: { type: "string" },
  "token-file": { type: "string" },
} as const;

/** Their lines of help. */
export const CLIENT_HELP = `  --config FILE       the daemon's configuration, for its address and token (default ${DEFAULT_CONFIG})
  --url URL           the address of its control API, instead (default http://127.0.0.1:8377)
  --token-file FILE   the token for changes, instead (default /var/lib/hushbox/token)`;

const DEADLINE = 10_000;

/** A good answer. */
export interface Answer {
  readonly body: unknown;
  readonly etag: string | null;
}

interface Problem {
  readonly title?: string;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

/** Talks to a running daemon. */
export class Client {
  readonly #url: string;
  readonly #tokenFile: string;
  /** Somebody named the token: it goes along with reading too, which other machines want. */
  readonly #named: boolean;

  constructor(options: { config?: string; url?: string; "token-file"?: string }) {
    const settings = settingsOf(options.config);
    this.#url = (options.url ?? addressOf(settings)).replace(/\/+$/, "");
    this.#tokenFile = options["token-file"] ?? settings?.tokenFile ?? "/var/lib/hushbox/token";
    if (!URL.canParse(this.#url))
      throw new HushboxError("usage", `"${this.#url}" is no URL; it looks like http://127.0.0.1:8377`);
    this.#named = options["token-file"] !== undefined;
  }

  get(path: string): Promise<Answer> {
    return this.#ask("GET", path, this.#named ? { headers: { Authorization: `Bearer ${this.#token()}` } } : {});
  }

  /** A change: carries the token. */
  change(
    method: "PUT" | "PATCH",
    path: string,
    body: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    return this.#ask(method, path, {
      body: JSON.stringify(body),
      headers: { ...headers, Authorization: `Bearer ${this.#token()}`, "Content-Type": "application/json" },
    });
  }

  async #ask(method: string, path: string, init: RequestInit = {}): Promise<Answer> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, { ...init, method, signal: AbortSignal.timeout(DEADLINE) });
    } catch (cause) {
      throw new HushboxError(
        "api",
        `no hushbox answers at ${this.#url} (${reason(cause)}): is it running? See systemctl status hushbox, or name another address with --url`,
        cause,
      );
    }
    const body: unknown = await response.json().catch(() => null);
    if (response.ok) return { body, etag: response.headers.get("etag") };
    throw new HushboxError("api", inWords(body as Problem | null, response.status));
  }

  #token(): string {
    // This machine's own token is nobody else's business.
    if (!this.#named && !isHome(new URL(this.#url).hostname)) {
      throw new HushboxError("usage", `${this.#url} is another machine: name its token with --token-file`);
    }
    try {
      return readFileSync(this.#tokenFile, "utf8").trim();
    } catch (cause) {
      throw new HushboxError(
        "api",
        `changes need the token, and reading it failed: ${reason(cause)}; try with sudo, or name the file with --token-file`,
        cause,
      );
    }
  }
}

function isHome(hostname: string): boolean {
  return hostname === "localhost" || isLoopback(hostname.replace(/^\[|\]$/g, "")) || ownAddresses().includes(hostname);
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).map(({ address, family }) => (family === "IPv6" ? `[${address}]` : address)),
  );
}

/** A file that was named must be good; the default one may be absent or not for this user's eyes. */
function settingsOf(path: string | undefined): ApiSettings | null {
  if (path !== undefined) return compile(ConfigFile.read(path).config).api;
  if (!existsSync(DEFAULT_CONFIG)) return null;
  try {
    return compile(ConfigFile.read(DEFAULT_CONFIG).config).api;
  } catch {
    return null;
  }
}

function addressOf(settings: ApiSettings | null): string {
  if (settings === null) return "http://127.0.0.1:8377";
  // Who listens everywhere is asked at home.
  const host = settings.host === "0.0.0.0" ? "127.0.0.1" : settings.host === "::" ? "::1" : settings.host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${settings.port}`;
}

function inWords(problem: Problem | null, status: number): string {
  const errors = (problem?.errors ?? []).map(({ path, message }) => `\n  ${path} ${message}`);
  return `${problem?.title ?? `the answer was ${status}`}: ${problem?.detail ?? ""}${errors.join("")}`;
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  // What fetch throws says nothing; its cause does. Several addresses tried make an error without message.
  const inner: unknown = cause.cause;
  if (inner instanceof AggregateError) return reason(inner.errors[0]);
  return inner instanceof Error ? inner.message : cause.message;
}
