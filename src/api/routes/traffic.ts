import { Type } from "typebox";
import { resolve } from "../../config/resolve.js";
import { SIZE } from "../../defense/quantity.js";
import { answer, problems, V1 } from "../answers.js";
import type { Routes } from "../app.js";
import { sendProblem } from "../problem.js";

const DeviceSchema = Type.Object({
  name: Type.String(),
  mac: Type.String(),
  preset: Type.String(),
  otherVersion: Type.Integer({
    description: "Carriers of another version of hushbox that came out of its tunnel; 0 without one.",
  }),
  idleSeconds: Type.Union([Type.Number(), Type.Null()], {
    description: "Since its last frame; null before the first.",
  }),
  packetsUp: Type.Integer(),
  packetsDown: Type.Integer(),
  bytesUp: Type.Integer(),
  bytesDown: Type.Integer(),
  budget: Type.Object({
    usedThisMonth: Type.String({ description: "Bytes of decoys this calendar month (UTC)." }),
    left: Type.String({ description: "Bytes of decoys that are still allowed this month." }),
  }),
});

const FlowSchema = Type.Object(
  {
    device: Type.String(),
    version: Type.Integer({ description: "Of IP: 4 or 6." }),
    protocol: Type.String(),
    deviceAddress: Type.String(),
    devicePort: Type.Integer(),
    remoteAddress: Type.String(),
    remotePort: Type.Integer(),
    packetsUp: Type.Integer(),
    packetsDown: Type.Integer(),
    bytesUp: Type.Integer(),
    bytesDown: Type.Integer(),
    ageSeconds: Type.Number(),
    idleSeconds: Type.Number(),
  },
  { description: "Bytes are frame bytes without padding." },
);

const FLOW_EXAMPLE = {
  device: "kitchen",
  version: 4,
  protocol: "tcp",
  deviceAddress: "192.168.77.20",
  devicePort: 41234,
  remoteAddress: "198.51.100.7",
  remotePort: 443,
  packetsUp: 311,
  packetsDown: 502,
  bytesUp: 40_212,
  bytesDown: 612_883,
  ageSeconds: 812.4,
  idleSeconds: 0.2,
};

/** Query values are texts: nothing is coerced behind the schema's back. */
const QuerySchema = Type.Object(
  {
    limit: Type.Optional(
      Type.String({
        title: "a number from 1 to 1000",
        pattern: "^([1-9][0-9]{0,2}|1000)$",
        description: "How many at most; 100 where absent, up to 1000.",
      }),
    ),
    offset: Type.Optional(
      Type.String({
        title: "a number from 0 to 999999",
        pattern: "^[0-9]{1,6}$",
        description: "How many to pass over.",
      }),
    ),
    device: Type.Optional(Type.String({ minLength: 1, maxLength: 32, description: "Of this device alone." })),
  },
  { additionalProperties: false },
);

/** `GET devices`, `GET flows`. */
export const trafficRoutes: Routes = (app, { door }) => {
  app.get(
    `${V1}/devices`,
    {
      schema: {
        operationId: "getDevices",
        tags: ["watch"],
        summary: "The devices, what they carry, and what is left of their budgets",
        response: {
          200: answer("The devices.", Type.Object({ devices: Type.Array(DeviceSchema) }), {
            devices: [
              {
                name: "kitchen",
                mac: "aa:bb:cc:dd:ee:ff",
                preset: "paper",
                otherVersion: 0,
                idleSeconds: 0.2,
                packetsUp: 5210,
                packetsDown: 7004,
                bytesUp: 812_004,
                bytesDown: 6_310_221,
                budget: { usedThisMonth: "107160B", left: "1999892840B" },
              },
            ],
          }),
          ...problems("not-ready"),
        },
      },
    },
    async (_request, reply) => {
      const reports = await door.devices();
      if (reports === null) return sendProblem(reply, "not-ready");
      const { config } = door;
      const presets = new Map(config.devices.map((device) => [device.name, resolve(config, device).preset]));
      return {
        devices: reports.map(({ decoyBytesThisMonth, budgetLeftBytes, ...report }) => ({
          ...report,
          preset: presets.get(report.name) ?? "off",
          budget: {
            usedThisMonth: SIZE.show(Math.round(decoyBytesThisMonth)),
            left: SIZE.show(Math.round(budgetLeftBytes)),
          },
        })),
      };
    },
  );

  app.get(
    `${V1}/flows`,
    {
      schema: {
        operationId: "getFlows",
        tags: ["watch"],
        summary: "The flows, the liveliest first",
        querystring: QuerySchema,
        response: {
          200: answer(
            "A page of flows.",
            Type.Object({
              total: Type.Integer({ description: "How many there are." }),
              offset: Type.Integer(),
              limit: Type.Integer(),
              flows: Type.Array(FlowSchema),
            }),
            { total: 14, offset: 0, limit: 1, flows: [FLOW_EXAMPLE] },
          ),
          ...problems("invalid-query", "not-ready"),
        },
      },
    },
    async (request, reply) => {
      const { device } = request.query;
      const limit = Number(request.query.limit ?? 100);
      const offset = Number(request.query.offset ?? 0);
      const all = await door.flows();
      if (all === null) return sendProblem(reply, "not-ready");
      const wanted = all
        .filter((flow) => device === undefined || flow.device === device)
        .sort((a, b) => a.idleSeconds - b.idleSeconds);
      return { total: wanted.length, offset, limit, flows: wanted.slice(offset, offset + limit) };
    },
  );
};
