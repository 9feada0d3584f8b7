import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Log } from "../log/log.js";
import type { Metrics } from "../metrics/metrics.js";
import type { Door } from "./door.js";
import type { EventStream } from "./event-stream.js";

/** The server as routes see it: what a schema says is what a handler's types say. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What routes work with. */
export interface Modules {
  readonly door: Door;
  readonly metrics: Metrics;
  readonly events: EventStream;
  readonly log: Log;
}

/** A group of routes: a file under `routes/`, entered in `server.ts`. */
export type Routes = (app: App, modules: Modules) => void;
