import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "tap";
import { parse } from "yaml";
import { ROOT } from "../../support/generated.js";
import { campaign, ran, resultIn, TINY } from "../../support/tiny-campaign.js";

const SCRIPT = join(ROOT, "deploy/lab/campaign.sbatch");
const JOB = readFileSync(join(ROOT, "deploy/lab/campaign-job.yaml"), "utf8");

interface Job {
  readonly kind: string;
  readonly spec: {
    readonly completionMode: string;
    readonly completions: number;
    readonly parallelism: number;
    readonly template: {
      readonly spec: {
        readonly containers: readonly [
          {
            readonly command: readonly string[];
            readonly args: readonly string[];
            readonly env: readonly { readonly name: string; readonly value: string }[];
            readonly resources: { readonly limits: { readonly cpu: string } };
          },
        ];
      };
    };
  };
}

test("a Slurm array's tasks are the shards of a campaign, and merge into what one run finds", async (t) => {
  const root = t.testdir();
  const out = join(root, "campaign");
  for (const task of ["0", "1"]) {
    const env = { HUSHBOX: ROOT, OUT: out, SHARDS: "2", SLURM_ARRAY_TASK_ID: task, SLURM_CPUS_PER_TASK: "2" };
    const { status, error } = await ran("sh", [SCRIPT, ...TINY], env);
    t.equal(status, 0, error);
    t.notOk(existsSync(join(out, `shard-${task}`, "campaign.json")), "a shard alone is no campaign");
  }
  const merged = await campaign("merge", join(out, "shard-0"), join(out, "shard-1"), "--out", out);
  t.equal(merged.status, 0, merged.error);
  const whole = join(root, "whole");
  t.equal((await campaign(...TINY, "--out", whole)).status, 0);
  t.same(resultIn(out), resultIn(whole));
});

test("outside of Slurm the script says what it is for", async (t) => {
  const { status, error } = await ran("sh", [SCRIPT]);
  t.not(status, 0);
  t.match(error, /sbatch/);
  t.match(readFileSync(SCRIPT, "utf8"), /--array=0-15\n[^]*SHARDS:-16/, "as many tasks as shards");
});

test("the Indexed Job has a pod for each shard, and its command is one of hushbox", async (t) => {
  const { kind, spec } = parse(JOB) as Job;
  const [{ command, args, env, resources }] = spec.template.spec.containers;
  const values = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  t.same([kind, spec.completionMode], ["Job", "Indexed"]);
  t.same([spec.completions, spec.parallelism].map(String), [values["SHARDS"], values["SHARDS"]]);
  t.equal(values["THREADS"], resources.limits.cpu);
  // Index 15 of 16 has the last cell of a tiny plan.
  const lab = t.testdir();
  const [program = "", ...flags] = command;
  const line = args.map((arg) => arg.replaceAll("/lab/hushbox", ROOT).replaceAll("/lab/campaign", lab));
  const { status, out, error } = await ran(program, [...flags, ...line], {
    ...values,
    OPTIONS: TINY.join(" "),
    JOB_COMPLETION_INDEX: "12",
  });
  t.equal(status, 0, error);
  t.match(out, `${lab}/shard-12: shard 12/16 is measured`);
});
