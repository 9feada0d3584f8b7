import type { FastifyReply } from "fastify";

/** Everything that can go wrong with a request: a closed list, each with its status and a title that does not change. */
export const PROBLEMS = {
  "bad-request": [400, "The request makes no sense", "Its address or its headers cannot be read."],
  "malformed-json": [
    400,
    "The body is not JSON",
    "Send one JSON value in UTF-8 with the content type application/json.",
  ],
  "invalid-query": [400, "The query is not valid", "Each thing wrong is listed under errors."],
  unauthorized: [
    401,
    "A token is needed",
    "Send `Authorization: Bearer TOKEN`; the token lies in the file api.tokenFile of the configuration. Reading needs none from this machine itself.",
  ],
  "not-found": [404, "There is nothing here", "The paths are listed at /docs."],
  "unknown-device": [404, "There is no such device", "The devices are listed at /api/v1/devices."],
  "method-not-allowed": [405, "This cannot be done here", "The header Allow lists what can."],
  "request-timeout": [408, "The request took too long to arrive", "Send it at once."],
  "restart-required": [
    409,
    "This needs a restart",
    "Interfaces, cards, addresses and paths are fixed while hushbox runs. What is meant is listed under errors; nothing was changed.",
  ],
  "file-changed": [
    409,
    "The configuration file was changed since it was read",
    "Reload it first, so that nobody's edit is lost. Nothing was changed.",
  ],
  "precondition-failed": [
    412,
    "The configuration is another by now",
    "Somebody changed it since the given ETag. Read it again and repeat the change.",
  ],
  "too-large": [413, "The body is too large", "A configuration has at most 64 kB."],
  "uri-too-long": [414, "The address is too long", "The paths are listed at /docs."],
  "unsupported-media-type": [415, "The body's type is not supported", "Send application/json."],
  misdirected: [
    421,
    "This name is not served here",
    "The Host header names another machine (a guard against DNS rebinding). Ask by address, or add the name to api.hosts.",
  ],
  invalid: [
    422,
    "The values are not valid",
    "Each thing wrong is listed under errors with its path. Nothing was changed.",
  ],
  "precondition-required": [
    428,
    "An If-Match header is needed",
    "Read the configuration, change it, and send it back with If-Match and the ETag that came with it: so that no change of another is lost.",
  ],
  "too-many-requests": [
    429,
    "Too many requests",
    "The header Retry-After says in how many seconds to ask again. The limit is api.rateLimit.",
  ],
  "headers-too-large": [431, "The headers are too large", "Send fewer or shorter ones."],
  internal: [500, "Something went wrong inside", "This is a fault of hushbox; its log says more."],
  "file-unwritable": [
    500,
    "The configuration file cannot be written",
    "The directory must be writable for a change to be kept. Nothing was changed.",
  ],
  "not-ready": [503, "The packets' side is not ready", "It has not started yet, or does not answer."],
  "not-turning": [
    503,
    "The datapath stands still",
    "Its loop does not turn: traffic does not flow, or not through hushbox.",
  ],
  "too-many-clients": [503, "Too many listeners", "The event stream has as many clients as it can serve."],
} as const satisfies Record<string, readonly [status: number, title: string, advice: string]>;

export type ProblemWord = keyof typeof PROBLEMS;

/** One invalid value. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

/** An answer by RFC 9457. */
export interface ProblemDetails {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** Its media type. */
export const PROBLEM_TYPE = "application/problem+json";

/** The answer for a problem. `detail` says what is wrong with this request; the list's advice where it is absent. */
export function problemDetails(word: ProblemWord, detail?: string, errors?: readonly FieldError[]): ProblemDetails {
  const [status, title, advice] = PROBLEMS[word];
  return {
    type: `/problems/${word}`,
    title,
    status,
    detail: detail ?? advice,
    ...(errors === undefined ? {} : { errors }),
  };
}

/** Sends a problem. */
export function sendProblem(
  reply: FastifyReply,
  word: ProblemWord,
  detail?: string,
  errors?: readonly FieldError[],
): FastifyReply {
  const body = problemDetails(word, detail, errors);
  return reply.code(body.status).type(PROBLEM_TYPE).serializer(JSON.stringify).send(body);
}
