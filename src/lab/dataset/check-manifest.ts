import { nearest } from "../../config/nearest.js";
import { pointer, type Problem } from "../../config/problem.js";
import { HushboxError } from "../../errors/hushbox-error.js";
import { DeviceMatch } from "../../nic/device-match.js";
import { parseDuration } from "../../time/duration.js";
import type { Manifest, ManifestTask } from "./manifest.js";

/** The task that every set has: each label is a class of its own. */
export const LABELS_TASK = "labels";

/** What a schema cannot say about a manifest. `exists` answers whether a path of the manifest is there. */
export function checkManifest(manifest: Manifest, exists: (file: string) => boolean): Problem[] {
  const { captures, device, tasks = {} } = manifest;
  const problems: Problem[] = deviceProblems("/device", device);
  const seen = new Map<string, number>();
  captures.forEach((capture, i) => {
    const at = pointer("/captures", i);
    const { file, from, to } = capture;
    problems.push(...deviceProblems(`${at}/device`, capture.device));
    if (!exists(file)) problems.push({ path: `${at}/file`, message: `there is no file ${file}` });
    const stretch = JSON.stringify([file, from, to]);
    const before = seen.get(stretch);
    if (before !== undefined) {
      const where = from === undefined && to === undefined ? "" : " with this stretch";
      problems.push({ path: `${at}/file`, message: `${file} is there already${where}, as capture ${before + 1}` });
    }
    seen.set(stretch, i);
    if (to !== undefined && (parseDuration(to) ?? 0) <= (parseDuration(from ?? "0") ?? 0)) {
      problems.push({ path: `${at}/to`, message: `${to} is not behind the start, ${from ?? "0"}` });
    }
  });
  const labels = new Map<string, number>();
  captures.forEach(({ label }, i) => {
    if (!labels.has(label)) labels.set(label, i);
  });
  for (const [name, task] of Object.entries(tasks)) problems.push(...taskProblems(name, task, labels));
  return problems;
}

function taskProblems(name: string, task: ManifestTask, labels: ReadonlyMap<string, number>): Problem[] {
  const at = pointer("/tasks", name);
  if (name === LABELS_TASK) {
    return [{ path: at, message: `${LABELS_TASK} is the task that every set has: each label a class`, atKey: true }];
  }
  const problems: Problem[] = [];
  const owners = new Map<string, string>();
  const known = [...labels.keys()];
  const list = (path: string, owner: string, members: readonly string[]): void => {
    members.forEach((label, i) => {
      const other = owners.get(label);
      const place = pointer(path, i);
      if (other !== undefined) problems.push({ path: place, message: `${label} is in ${other} already` });
      else if (!labels.has(label)) {
        const meant = nearest(label, known);
        const hint = meant === null ? "" : `; did you mean ${JSON.stringify(meant)}?`;
        problems.push({ path: place, message: `no capture has the label ${label}${hint}` });
      }
      owners.set(label, owner);
    });
  };
  const classes = Object.entries(task.classes);
  if (classes.length < 2)
    problems.push({ path: `${at}/classes`, message: `a task has at least two classes, got ${classes.length}` });
  for (const [own, members] of classes) {
    const path = pointer(`${at}/classes`, own);
    list(path, `the class ${own}`, members);
    if (!members.some((label) => labels.has(label)))
      problems.push({ path, message: `the class ${own} is empty: no capture has one of its labels`, atKey: true });
  }
  list(`${at}/leaveOut`, "leaveOut", task.leaveOut ?? []);
  for (const [label, i] of labels) {
    if (owners.has(label)) continue;
    const meant = nearest(
      label,
      [...owners.keys()].filter((own) => labels.has(own)),
    );
    const hint = meant === null ? "put it into a class or into leaveOut" : `did you mean ${JSON.stringify(meant)}?`;
    problems.push({
      path: `${pointer("/captures", i)}/label`,
      message: `the label ${label} is in no class of the task ${name}, and not left out; ${hint}`,
    });
  }
  return problems;
}

function deviceProblems(path: string, device: string | undefined): Problem[] {
  if (device === undefined) return [];
  try {
    new DeviceMatch(device);
    return [];
  } catch (error) {
    if (!(error instanceof HushboxError)) throw error;
    return [{ path, message: error.message }];
  }
}
