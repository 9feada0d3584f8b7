import type { AttackReport } from "../../leakage/attack-report.js";
import type { ReportedCampaign, ReportedCell } from "./reported-campaign.js";

/** A column: its name, and what stands in it for a cell and an attack; null for nothing. */
type Column = readonly [
  name: string,
  of: (cell: ReportedCell, attack: AttackReport | null) => string | number | boolean | null | undefined,
];

/** In order. Shares are from 0 to 1, sizes of windows packets or µs, delays ms. */
const COLUMNS: readonly Column[] = [
  ["id", ({ id }) => id],
  ["scenario", ({ scenario }) => scenario],
  ["dataset", ({ dataset }) => dataset.name],
  ["real", ({ dataset }) => dataset.real],
  ["task", ({ dataset }) => dataset.task],
  ["defense", ({ defense }) => (defense.kind === "preset" ? defense.preset : defense.kind)],
  ["parameter", ({ defense }) => (defense.kind === "preset" ? defense.nu : defense.parameter)],
  ["series_order", ({ defense }) => (defense.kind === "preset" ? null : defense.order)],
  ["observer", ({ observer }) => observer],
  ["vantage", ({ vantage }) => (vantage === "lan" ? "lan" : "wan")],
  ["cut", ({ windows }) => windows.cut],
  ["size", ({ windows }) => (windows.cut === "trace" ? null : windows.size)],
  ["direction", ({ windows }) => windows.direction],
  ["window_field", ({ windows }) => windows.field],
  ["attack", (_, attack) => attack?.attack],
  ["best", ({ leakage }, attack) => (attack === null ? null : attack.attack === leakage?.best)],
  ["form", (_, attack) => attack?.form],
  ["chance", ({ leakage }) => leakage?.chance],
  ["balanced_accuracy", (_, attack) => attack?.balanced_accuracy.value],
  ["balanced_accuracy_low", (_, attack) => attack?.balanced_accuracy.low],
  ["balanced_accuracy_high", (_, attack) => attack?.balanced_accuracy.high],
  ["confidence", ({ leakage }) => leakage?.confidence],
  ["accuracy", (_, attack) => attack?.accuracy],
  ["advantage", (_, attack) => attack?.advantage.value],
  ["information_bits", (_, attack) => attack?.information_bits.measured.value],
  ["information_bits_low", (_, attack) => attack?.information_bits.measured.low],
  ["information_bits_high", (_, attack) => attack?.information_bits.measured.high],
  ["fano_bits", (_, attack) => attack?.information_bits.fano.value],
  ["null_repetitions", (_, attack) => attack?.null?.repetitions],
  ["null_mean", (_, attack) => attack?.null?.mean],
  ["null_threshold", (_, attack) => attack?.null?.threshold],
  ["null_p_value", (_, attack) => attack?.null?.p_value],
  ["best_null_threshold", ({ leakage }) => leakage?.null?.threshold],
  ["best_null_p_value", ({ leakage }) => leakage?.null?.p_value],
  ["verdict", ({ leakage }) => leakage?.null?.verdict],
  ["classes", ({ leakage }) => leakage?.classes.length],
  ["samples", ({ leakage }) => leakage?.classes.reduce((sum, { rows }) => sum + rows, 0)],
  ["least_class_samples", ({ leakage }) => leakage && Math.min(...leakage.classes.map(({ rows }) => rows))],
  ["seeds", ({ leakage }) => leakage?.seeds.length],
  ["folds", ({ leakage }) => leakage?.folds],
  ["training", ({ leakage }) => leakage?.training],
  ["counted", ({ leakage }) => leakage?.counted],
  ["transferred", ({ leakage }) => leakage?.transferred],
  ["trained_on_least", (_, attack) => attack?.trained_on.least],
  ["trained_on_most", (_, attack) => attack?.trained_on.most],
  ["overhead_bytes", ({ cost }) => cost?.overhead.bytes],
  ["overhead_packets", ({ cost }) => cost?.overhead.packets],
  ["added_delay_p50_ms", ({ cost }) => cost?.added_delay_ms.p50],
  ["added_delay_p99_ms", ({ cost }) => cost?.added_delay_ms.p99],
  ["seconds", ({ seconds }) => seconds],
  ["refused", ({ refused }) => refused],
];

/** A campaign as CSV (RFC 4180), a row for each cell and attack, one for each cell that was refused. Numbers are the shortest that read back the same. */
export function campaignCsv({ cells }: ReportedCampaign): string {
  const lines = cells.flatMap((cell) =>
    attacksOf(cell).map((attack) => COLUMNS.map(([, of]) => field(of(cell, attack)))),
  );
  return [COLUMNS.map(([name]) => name), ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function attacksOf({ leakage }: ReportedCell): readonly (AttackReport | null)[] {
  return leakage === null || leakage.attacks.length === 0 ? [null] : leakage.attacks;
}

function field(value: string | number | boolean | null | undefined): string {
  const text = String(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
