import { Type, type TSchema } from "typebox";
import { problemDetails, PROBLEM_TYPE, PROBLEMS, type ProblemWord } from "./problem.js";

/** The prefix of the API's paths. */
export const V1 = "/api/v1";

/** What an operation that changes something is marked with. */
export const NEEDS_TOKEN = [{ token: [] }] as const;

/** The schema of a problem (RFC 9457). */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: "What kind of problem; does not change. Ask this path for what to do." }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    errors: Type.Optional(
      Type.Array(Type.Object({ path: Type.String({ description: "JSON pointer." }), message: Type.String() })),
    ),
  },
  { description: "A problem (RFC 9457)." },
);

/** The schema of a good answer, with an example. */
export function answer(description: string, schema: TSchema, example: unknown, type = "application/json") {
  return { description, content: { [type]: { schema, examples: { example: { value: example } } } } };
}

/** The schemas of the problems that an operation may answer, each with an example. Every operation may be refused by name, token and rate. */
export function problems(...words: ProblemWord[]) {
  const all = [...words, "unauthorized", "misdirected", "too-many-requests"] as const;
  const statuses = [...new Set(all.map((word) => PROBLEMS[word][0]))].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => {
      const here = [...new Set(all)].filter((word) => PROBLEMS[word][0] === status);
      const examples = Object.fromEntries(here.map((word) => [word, { value: example(word) }]));
      return [
        String(status),
        {
          description: here.map((word) => PROBLEMS[word][1]).join("; or: "),
          content: { [PROBLEM_TYPE]: { schema: ProblemSchema, examples } },
        },
      ];
    }),
  );
}

function example(word: ProblemWord) {
  if (word === "invalid")
    return problemDetails(word, undefined, [
      { path: "/defenses/jitter/maxDelay", message: 'expected a duration with its unit such as 20ms, got "20"' },
    ]);
  if (word === "invalid-query")
    return problemDetails(word, undefined, [
      { path: "/limit", message: 'expected a number from 1 to 1000, got "many"' },
    ]);
  if (word === "restart-required")
    return problemDetails(word, undefined, [{ path: "/inside", message: "is fixed while hushbox runs" }]);
  return problemDetails(word);
}
