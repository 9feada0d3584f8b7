import { BlockList, isIP } from "node:net";
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Door } from "./door.js";
import { sendProblem } from "./problem.js";
import type { Token } from "./token.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** `open` needs no token from anywhere. Else reading needs one from other machines, and changing always does. */
    access?: "open";
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

const READING = new Set(["GET", "HEAD"]);

/** Whether an address is this machine's own. */
export function isLoopback(address: string): boolean {
  const plain = withoutMapping(address);
  const family = isIP(plain);
  return family !== 0 && LOOPBACK.check(plain, family === 4 ? "ipv4" : "ipv6");
}

/**
 * Refuses names that are not this machine's (DNS rebinding): a page of a stranger can make a browser ask here under the stranger's own
 * name, and read the answer. Loopback names, the address that was asked, and the configured names are served; an address of this machine is
 * no name that a stranger can own.
 */
export function checkHost(door: Door, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const host = hostOf(request.headers.host ?? "");
  const known =
    isLoopback(host) || host === "localhost" || host.endsWith(".localhost") || isOwn(host, request.socket.localAddress);
  if (known || door.settings.hosts.some((name) => name.toLowerCase() === host)) return undefined;
  return sendProblem(reply, "misdirected");
}

/** Refuses what needs a token and has none. */
export function checkToken(token: Token, request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  if (request.routeOptions.config.access === "open") return undefined;
  if (READING.has(request.method) && isLoopback(request.socket.remoteAddress ?? "")) return undefined;
  if (token.accepts(request.headers.authorization)) return undefined;
  return sendProblem(reply.header("WWW-Authenticate", 'Bearer realm="hushbox"'), "unauthorized");
}

/** The host of a Host header without port and brackets, in lower case. */
function hostOf(header: string): string {
  return header
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function isOwn(host: string, local: string | undefined): boolean {
  return isIP(host) !== 0 && local !== undefined && host === withoutMapping(local);
}

/** `::ffff:192.0.2.1` is how a socket of both versions names an IPv4 address. */
function withoutMapping(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}
