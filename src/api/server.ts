import type { AddressInfo } from "node:net";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import { fastify, type FastifyError } from "fastify";
import type { AnySchema } from "ajv";
import { newAjv } from "../config/validator.js";
import { HushboxError } from "../errors/hushbox-error.js";
import type { App, Modules, Routes } from "./app.js";
import { answerError, answerParserError, handleErrors } from "./errors.js";
import { checkHost, checkToken } from "./guard.js";
import { openApi } from "./open-api.js";
import { configRoutes } from "./routes/config.js";
import { destinationsRoutes } from "./routes/destinations.js";
import { defensesRoutes } from "./routes/defenses.js";
import { eventsRoutes } from "./routes/events.js";
import { healthRoutes } from "./routes/health.js";
import { presetRoutes } from "./routes/preset.js";
import { statusRoutes } from "./routes/status.js";
import { trafficRoutes } from "./routes/traffic.js";
import type { Token } from "./token.js";

const ROUTES: readonly Routes[] = [
  statusRoutes,
  configRoutes,
  defensesRoutes,
  presetRoutes,
  trafficRoutes,
  destinationsRoutes,
  eventsRoutes,
  healthRoutes,
];

/** A configuration of 64 devices with every value spelt out is below half of this. */
const BODY_LIMIT = 64 * 1024;

/** Event streams, scrapers and people; the packets' side needs the descriptors and the processor more. */
const MAX_CONNECTIONS = 128;

/** Builds the server with all its routes; it listens nowhere yet. */
export async function buildApp(modules: Modules, token: Token): Promise<App> {
  const { door, log, events } = modules;
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 100 },
    clientErrorHandler: answerParserError,
    frameworkErrors: (error: FastifyError, request, reply) => {
      answerError(error, request, reply, log);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.server.maxConnections = MAX_CONNECTIONS;
  const ajv = newAjv();
  app.setValidatorCompiler(({ schema }) => ajv.compile(schema as AnySchema));
  // Answers leave as they are: a schema describes them, and must not silently cut what it does not know.
  app.setSerializerCompiler(() => JSON.stringify);
  app.removeContentTypeParser("text/plain");
  app.addContentTypeParser(
    "application/merge-patch+json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  app.decorateRequest("takenBack", null as unknown as readonly string[]);
  handleErrors(app, log);
  app.addHook("onRequest", async (request, reply) => checkHost(door, request, reply));
  await app.register(rateLimit, {
    global: false,
    max: () => door.settings.rateLimit.max,
    timeWindow: () => door.settings.rateLimit.milliseconds,
  });
  app.addHook("onRequest", app.rateLimit());
  app.addHook("onRequest", async (request, reply) => checkToken(token, request, reply));
  await app.register(swagger, openApi(door.version));
  await app.register(swaggerUi, { routePrefix: "/docs", uiConfig: { validatorUrl: null, docExpansion: "list" } });
  await app.register(helmet, (instance) => ({
    // Plain HTTP: there is nothing to upgrade to.
    hsts: false,
    contentSecurityPolicy: {
      directives: {
        "upgrade-insecure-requests": null,
        "script-src": ["'self'", ...instance.swaggerCSP.script],
        "style-src": ["'self'", ...instance.swaggerCSP.style],
        "img-src": ["'self'", "data:"],
      },
    },
  }));
  for (const routes of ROUTES) routes(app, modules);
  app.addHook("preClose", () => {
    events.close();
  });
  await app.ready();
  return app;
}

/** The control API as a task. */
export class ControlApi {
  readonly #modules: Modules;
  readonly #token: Token;
  #app: App | undefined;

  constructor(modules: Modules, token: Token) {
    this.#modules = modules;
    this.#token = token;
  }

  /** Listens. Throws HushboxError `api` with what to do where it cannot. */
  async start(): Promise<void> {
    const { host, port } = this.#modules.door.settings;
    const app = await buildApp(this.#modules, this.#token);
    try {
      await app.listen({ host, port });
    } catch (cause) {
      await app.close();
      throw new HushboxError("api", listenError(cause as NodeJS.ErrnoException, host, port), cause);
    }
    this.#app = app;
  }

  /** Where it answers, for a person to open; null while it does not. */
  get url(): string | null {
    const address = this.#app?.server.address() as AddressInfo | null | undefined;
    if (address === null || address === undefined) return null;
    return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
  }

  /** Ends all streams and connections. Idempotent. */
  async stop(): Promise<void> {
    await this.#app?.close();
    this.#app = undefined;
  }
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): string {
  const doing = `the control API cannot listen on ${host} port ${port}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return `${doing}: it is in use, perhaps by another hushbox; stop that, or set api.listen to another port`;
    case "EADDRNOTAVAIL":
      return `${doing}: this machine has no such address; set api.listen to one that it has`;
    case "EACCES":
      return `${doing}: ports below 1024 need CAP_NET_BIND_SERVICE; set api.listen to a port above`;
    default:
      return `${doing}: ${cause.message}`;
  }
}
