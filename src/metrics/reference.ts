import type { MetricNote } from "./reading.js";

/** The reference page of all metrics, in Markdown. */
export function metricsReference(notes: readonly MetricNote[]): string {
  const rows = notes.map((note) => `| \`${note.name}\` | ${note.type} | ${labels(note)} | ${note.help} |`);
  return [
    "# Metrics",
    "",
    "At `/metrics` in the Prometheus text format. Made from the code by `npm run schema`; units are those of the International System, in the name.",
    "",
    "`direction`: `up` is from a device to the world, `down` the other way. `side`: `inside` is the card toward the devices, `outside` the one toward the router.",
    "",
    "| metric | type | labels | what it says |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}

function labels(note: MetricNote): string {
  const all = Object.entries(note.labels ?? {}).map(
    ([label, values]) =>
      `\`${label}\`: ${typeof values === "string" ? values : values.map((value) => `\`${value}\``).join(" ")}`,
  );
  return all.length === 0 ? "–" : all.join("; ");
}
