import type { Socket } from "node:net";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { problemsFrom } from "../config/validator.js";
import type { Log } from "../log/log.js";
import type { App } from "./app.js";
import { problemDetails, PROBLEM_TYPE, sendProblem, type ProblemWord } from "./problem.js";

const BY_CODE: Readonly<Record<string, ProblemWord>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "too-large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported-media-type",
  FST_ERR_CTP_INVALID_JSON_BODY: "malformed-json",
  FST_ERR_CTP_EMPTY_JSON_BODY: "malformed-json",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "bad-request",
  FST_ERR_BAD_URL: "bad-request",
  FST_ERR_MAX_PARAM_LENGTH: "uri-too-long",
};

/** Node's parser errors, before there is a request. */
const BY_PARSER: Readonly<Record<string, ProblemWord>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout",
};

/** Turns everything that goes wrong into a problem. `routes`: what there is, for 405. */
export function handleErrors(app: App, log: Log): void {
  const routes = routesOf(app);
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply, log));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.replace(/\?.*$/s, "");
    const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
    // A file that is not there is asked for by the right method.
    if (methods.length === 0 || methods.includes(request.method)) return sendProblem(reply, "not-found");
    const allow = [...new Set(methods)].sort().join(", ");
    return sendProblem(
      reply.header("Allow", allow),
      "method-not-allowed",
      `${request.method} is not possible here; ${allow} ${methods.length > 1 ? "are" : "is"}.`,
    );
  });
}

/** Fills as routes are registered. */
function routesOf(app: App): { method: string; pattern: RegExp }[] {
  const routes: { method: string; pattern: RegExp }[] = [];
  app.addHook("onRoute", ({ method, url }) => {
    const escaped = url
      .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
      .replace(/:\w+/g, "[^/]+")
      .replaceAll("*", ".*");
    for (const name of [method].flat()) routes.push({ method: name, pattern: new RegExp(`^${escaped}$`) });
  });
  return routes;
}

/** Answers an error that a handler threw, or that Fastify found before one ran. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  if (error.validation !== undefined) {
    const problems = problemsFrom(error.validation);
    const word = error.validationContext === "body" ? "invalid" : "invalid-query";
    return sendProblem(
      reply,
      word,
      undefined,
      problems.map(({ path, message }) => ({ path, message })),
    );
  }
  const known = BY_CODE[error.code] ?? (error instanceof SyntaxError ? "malformed-json" : undefined);
  if (known === "malformed-json") return sendProblem(reply, known, `${error.message}.`);
  if (known !== undefined) return sendProblem(reply, known);
  if (error.statusCode === 429) return sendProblem(reply, "too-many-requests");
  if (error.statusCode !== undefined && error.statusCode < 500) return sendProblem(reply, "bad-request", error.message);
  // The route's pattern, not the address that was asked: that may hold what is nobody's business.
  log.error("answering a request failed", { route: request.routeOptions.url ?? "none", reason: error.message });
  return sendProblem(reply, "internal");
}

/** Answers what is not even HTTP, on the socket itself. */
export function answerParserError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemDetails(BY_PARSER[error.code ?? ""] ?? "bad-request");
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
