import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { which, type CommandResult } from "../../../src/emulator/command.js";
import { ENDPOINTS } from "../../../src/emulator/endpoints.js";
import type { Laboratory } from "../../../src/emulator/laboratory.js";
import { SeededRandom } from "../../../src/random/seeded-random.js";
import { ROOT } from "../../support/generated.js";
import { Http3Server } from "../../support/http3-server.js";
import { Child, pause } from "../child.js";
import { Browser } from "./browser.js";
import type { Conditions } from "./conditions.js";

/** Programs that know nothing of hushbox. RARE ones take as long as all else of a run. */
export const COMMON = ["curl", "openssl", "ngtcp2", "dig", "chronyd", "ping"] as const;
export const RARE = ["chromium"] as const;
export const PROGRAMS = [...COMMON, ...RARE];
export type ProgramName = (typeof PROGRAMS)[number];

/** What each needs, beyond what the laboratory needs: program and Debian package. */
const NEEDS: Readonly<Record<ProgramName, readonly (readonly [string, string])[]>> = {
  curl: [["curl", "curl"]],
  openssl: [["openssl", "openssl"]],
  ngtcp2: [
    ["gtlsclient", "ngtcp2-client"],
    ["gtlsserver", "ngtcp2-server"],
  ],
  dig: [
    ["dig", "bind9-dnsutils"],
    ["dnsmasq", "dnsmasq-base"],
  ],
  chronyd: [["chronyd", "chrony"]],
  ping: [["ping", "iputils-ping"]],
  chromium: [
    ["chromium", "chromium"],
    ["gtlsserver", "ngtcp2-server"],
  ],
};

/** What one of them came to. Milliseconds; a browser's without its start. */
export interface ProgramOutcome {
  readonly name: ProgramName;
  readonly result: "right" | "wrong" | "failed";
  readonly why: string;
  readonly ms: number;
}

/** The result, what went wrong in words, and how long it took where that is not the whole call. */
type Said = readonly [result: ProgramOutcome["result"], why: string, ms?: number];

const NAME = "hushbox.example";
const { static: WEB, voice: QUIC, resolver: DNS, time: TIME, ajax: OPENSSL } = ENDPOINTS;
const FILE_BYTES = 600_000;
const PATIENCE_MS = 25_000;
const TEXTS = 12;
const TEXT_BYTES = 200;
const PINGS = 14;
/** As many as are on their way until a path that swallows them is found out: a second and a half. */
const PROBES = 8;

/** Why a program cannot take part, or null. */
export function programMissing(name: ProgramName): string | null {
  const lacking = NEEDS[name].find(([program]) => which(program) === null);
  return lacking === undefined ? null : `${lacking[0]} is not installed (Debian package ${lacking[1]})`;
}

/** Their servers in the world, and one call of each from the speaker. */
export class Programs {
  readonly #laboratory: Laboratory;
  readonly #directory: string;
  readonly #servers: Child[] = [];
  #http3: Http3Server | undefined;
  #browser: Browser | undefined;
  #hash = "";
  #calls = 0;

  constructor(laboratory: Laboratory, directory: string) {
    this.#laboratory = laboratory;
    this.#directory = directory;
  }

  /** `key` and `certificate`: files, of NAME. */
  async start(key: string, certificate: string): Promise<void> {
    const docs = this.#path("docs");
    mkdirSync(docs, { recursive: true });
    const random = new SeededRandom("programs");
    const file = Buffer.alloc(FILE_BYTES);
    for (let i = 0; i + 4 <= file.length; i += 4) file.writeUInt32LE(random.word(), i);
    writeFileSync(join(docs, "file"), file);
    this.#hash = createHash("sha256").update(file).digest("hex");
    const web = this.#serve(
      process.execPath,
      join(ROOT, "build/test/support/file-server.js"),
      String(WEB.port),
      join(docs, "file"),
      key,
      certificate,
    );
    await web.printed(/^ready/m);
    if (Http3Server.missing() === null)
      this.#http3 = new Http3Server(this.#laboratory, "world", QUIC.port, docs, key, certificate);
    const openssl = ["openssl", "s_server", "-quiet", "-WWW", "-accept", "4433", "-key", key, "-cert", certificate];
    this.#serve("sh", "-c", `cd '${docs}' && exec ${openssl.join(" ")}`);
    if (programMissing("dig") === null) {
      const texts = Array.from(
        { length: TEXTS },
        (_, i) => `--txt-record=long.${NAME},${String(i).padStart(TEXT_BYTES, "x")}`,
      );
      const records = [`--address=/${NAME}/192.0.2.7`, `--address=/${NAME}/2001:db8::7`, ...texts];
      const listen = [`--listen-address=${DNS.v4}`, `--listen-address=${DNS.v6}`, "--bind-interfaces"];
      const alone = ["--no-resolv", "--no-hosts", "--user=root", "--conf-file=/dev/null", "--pid-file="];
      this.#serve(which("dnsmasq") ?? "", "--keep-in-foreground", ...alone, ...listen, ...records);
    }
    if (programMissing("chronyd") === null) {
      // -x: it leaves this machine's clock alone.
      const addresses = [`bindaddress ${TIME.v4}`, `bindaddress ${TIME.v6}`];
      const server = this.#serve(
        which("chronyd") ?? "",
        "-x",
        ...this.#chrony("server"),
        "local stratum 3",
        "allow all",
        ...addresses,
      );
      await server.until(() => existsSync(this.#path("server.pid")), "start", 5_000);
    }
    if (programMissing("chromium") === null && this.#http3 !== undefined)
      this.#browser = await Browser.start(this.#laboratory, this.#http3, docs, this.#hash, key, certificate);
    await pause(200);
  }

  /** Throws where a server ended. */
  check(): void {
    this.#browser?.check();
    if (this.#http3?.running === false) throw new Error("the HTTP/3 server ended early");
    for (const server of this.#servers) if (!server.running) throw new Error(`a server ended early: ${server.errors}`);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#servers.map((server) => server.stop()), this.#browser?.stop(), this.#http3?.stop()]);
  }

  /** Calls one from the speaker; it is to come to its end whatever the path loses. */
  async call(name: ProgramName, conditions: Conditions): Promise<ProgramOutcome> {
    const begun = performance.now();
    const call = this.#calls++;
    const into = this.#path(`call-${call}`);
    let said: Said;
    try {
      said = await this.#ask(name, conditions, into);
    } catch (error) {
      said = ["failed", String(error)];
    }
    rmSync(into, { recursive: true, force: true });
    const [result, why, ms = performance.now() - begun] = said;
    return { name, result, why: why.trim().slice(-300), ms };
  }

  async #ask(name: ProgramName, { family, loss, path }: Conditions, into: string): Promise<Said> {
    const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);
    switch (name) {
      case "curl": {
        const resolved = ["--resolve", `${NAME}:${WEB.port}:${bracketed(WEB[family])}`];
        const { code, stderr } = await this.#run("curl", "-sS", "-k", ...resolved, "-o", into, `https://${NAME}/file`);
        return code === 0 ? this.#hashed(into) : ["failed", stderr];
      }
      case "openssl": {
        const to = ["-connect", `${bracketed(OPENSSL[family])}:4433`];
        const line = `openssl s_client -quiet ${to.join(" ")} > '${into}.raw' 2> '${into}.err'`;
        const { code } = await this.#run(
          "sh",
          "-c",
          `printf 'GET /file HTTP/1.0\\r\\n\\r\\n' | ${line} && sed '1,/^\\r*$/d' '${into}.raw' > '${into}'`,
        );
        const outcome = code === 0 ? await this.#hashed(into) : (["failed", `exit status ${code}`] as const);
        for (const end of ["raw", "err"]) rmSync(`${into}.${end}`, { force: true });
        return outcome;
      }
      case "ngtcp2": {
        mkdirSync(into);
        const options = ["--quiet", "--exit-on-all-streams-close", `--download=${into}`];
        const { code, stderr } = await this.#run(
          "gtlsclient",
          ...options,
          QUIC[family],
          String(QUIC.port),
          `https://${NAME}/file`,
        );
        return code === 0 ? this.#hashed(join(into, "file")) : ["failed", stderr];
      }
      case "dig": {
        const dig = async (...question: string[]): Promise<CommandResult> => {
          const said = await this.#run("dig", `@${DNS[family]}`, "+tries=6", "+time=1", "+short", ...question);
          // Of a try that was lost it says so in a comment.
          return { ...said, stdout: said.stdout.replace(/^;.*\n/gm, "") };
        };
        const [a, four, long] = [
          await dig(NAME, "AAAA"),
          await dig("+tcp", NAME, "A"),
          await dig("+bufsize=1232", `long.${NAME}`, "TXT"),
        ];
        if (a.code !== 0 || four.code !== 0 || long.code !== 0) return ["failed", a.stdout + four.stdout + long.stdout];
        const good =
          a.stdout === "2001:db8::7\n" &&
          four.stdout === "192.0.2.7\n" &&
          long.stdout.split("\n").filter((line) => line.length > TEXT_BYTES).length === TEXTS;
        return good ? ["right", ""] : ["wrong", a.stdout + four.stdout + long.stdout];
      }
      case "chronyd": {
        // -Q: it says what it would have done to the clock.
        const server = `server ${TIME[family]} iburst maxsamples 1`;
        const { code, stderr, stdout } = await this.#run(
          which("chronyd") ?? "",
          "-Q",
          "-t",
          "15",
          ...this.#chrony(`client-${this.#calls}`),
          server,
        );
        const offset = Number(/System clock wrong by (-?[0-9.]+) seconds/.exec(stderr + stdout)?.[1]);
        if (code !== 0) return ["failed", stderr];
        return Math.abs(offset) < 0.05
          ? ["right", ""]
          : ["wrong", `this machine's clock differs from itself by ${offset} s`];
      }
      case "ping": {
        const ping = (size: string): Promise<CommandResult> =>
          this.#run("ping", "-n", "-c", String(PINGS), "-i", "0.2", "-W", "1", "-s", size, WEB[family]);
        for (const { stdout } of await Promise.all(["56", "1300"].map(ping))) {
          if (/DUP!|damaged|wrong|truncated/.test(stdout)) return ["wrong", stdout];
          // The first ones may find out what the path takes; nobody sends them again.
          const came = [...stdout.matchAll(/icmp_seq=(\d+) ttl/g)].filter(
            ([, n]) => path === "1500" || Number(n) > PROBES,
          );
          const sent = path === "1500" ? PINGS : PINGS - PROBES;
          if (came.length < sent - (loss === 0 ? 0 : 3)) return ["failed", stdout];
        }
        return ["right", ""];
      }
      case "chromium":
        return this.#browser?.call(into, family) ?? ["failed", "there is no browser"];
    }
  }

  async #hashed(path: string): Promise<Said> {
    if (!existsSync(path)) return ["failed", "it wrote nothing"];
    const hash = createHash("sha256");
    await pipeline(createReadStream(path), hash);
    return hash.digest("hex") === this.#hash ? ["right", ""] : ["wrong", "the hashes differ"];
  }

  #chrony(name: string): string[] {
    return ["-u", "root", "-f", "/dev/null", "-d", "cmdport 0", `pidfile ${this.#path(`${name}.pid`)}`];
  }

  #serve(command: string, ...args: string[]): Child {
    const server = new Child(this.#laboratory.namespaces.world, command, args);
    this.#servers.push(server);
    return server;
  }

  #run(...argv: string[]): Promise<CommandResult> {
    return this.#laboratory.run("speaker", argv, { timeout: PATIENCE_MS });
  }

  #path(name: string): string {
    return join(this.#directory, name);
  }
}
