import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";

/** The head of the API's description, at /docs. */
export function openApi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "hushbox",
        version,
        description: [
          "Controls and watches the box. Values have the form of the configuration file: texts with units.",
          "Whatever changes something needs the token of the file `api.tokenFile` as `Authorization: Bearer TOKEN`. Reading is open to this machine itself; other machines need the token for that too, but for `/healthz` and `/readyz`.",
          "Everything that goes wrong is answered as problem details (RFC 9457); `type` names the kind and can be asked for what to do.",
        ].join("\n\n"),
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      tags: [
        { name: "change", description: "The configuration, while traffic flows." },
        { name: "watch", description: "What the box does." },
      ],
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
  };
}
