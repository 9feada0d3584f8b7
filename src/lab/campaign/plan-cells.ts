import { createHash } from "node:crypto";
import { ATTACKS } from "../../attack/attacks.js";
import type { PresetName } from "../../defense/presets.js";
import type { WindowOptions } from "../../features/windows.js";
import type { ObserverKind } from "../../trace/make-observer.js";
import type { CellDefense, CellPlan } from "./cell.js";
import { passKey, passOf } from "./pass.js";
import type { Direction, Scope, ScenarioKind } from "./scope.js";

/** The five of the paper, and the one that it turns on its defenses. */
export const PAPER_ATTACKS = [
  "ada-boost",
  "decision-tree",
  "k-nearest-neighbours",
  "neural-network",
  "random-forest",
] as const;
const PAPER_NETWORK = "neural-network";

/**
 * What a campaign is made of. `undefended`: the paper's Figure 4. `smoothing` and `noise`: its Figures 2 and 3. `simulated`: its realistic
 * adversary on tables beside the preset `paper` on packets. `presets`: every preset before every attack.
 */
export const PARTS = ["undefended", "smoothing", "noise", "simulated", "presets"] as const;
export type Part = (typeof PARTS)[number];

/** What is to be measured. */
export interface CellsWanted {
  readonly scope: Scope;
  readonly parts: readonly Part[];
  readonly presets: readonly PresetName[];
  readonly scenarios: readonly { readonly name: string; readonly kind: ScenarioKind }[];
}

type Point = Omit<CellPlan, "id" | "attacks" | "repetitions">;

const OFF: CellDefense = { kind: "preset", preset: "off" };
const DIRECTIONS: readonly Direction[] = ["both", "up", "down"];

/**
 * The cells of a campaign, those that look at the same packets behind one another. As the paper's captures were, the paper's part is seen from
 * the link that the speaker is on (`lan`), and defended up only; presets are seen from behind the router. Same wishes, same cells.
 */
export function planCells(wanted: CellsWanted): CellPlan[] {
  const cells = new Map<string, CellPlan>();
  const add = (point: Point, attacks: readonly string[], repetitions = 0): void => {
    // Cells that are the same but for table attacks are one.
    const key = JSON.stringify([point, attacks.some(isDear)]);
    const before = cells.get(key);
    const all = ATTACK_ORDER.filter((name) => attacks.includes(name) || before?.attacks.includes(name) === true);
    const plan = { ...point, attacks: all, repetitions: Math.max(repetitions, before?.repetitions ?? 0) };
    cells.set(key, { id: idOf(plan), ...plan });
  };
  for (const { name, kind } of wanted.scenarios)
    if (kind === "captures") planCaptures(name, wanted, add);
    else planScenario(name, kind, wanted, add);
  return inOrder([...cells.values()]);
}

type Add = (point: Point, attacks: readonly string[], repetitions?: number) => void;

function planScenario(scenario: string, kind: ScenarioKind, wanted: CellsWanted, add: Add): void {
  const { scope, parts, presets } = wanted;
  const nus = scope.nu[kind];
  const lan = (defense: CellDefense, size: number, direction: Direction): Point => ({
    scenario,
    defense,
    observer: "stats",
    vantage: "lan",
    windows: packets(size, direction),
  });
  const network = [PAPER_NETWORK];
  if (parts.includes("undefended"))
    for (const size of scope.sizes) for (const way of ["both", "up"] as const) add(lan(OFF, size, way), PAPER_ATTACKS);
  // Each figure has the undefended line.
  if (parts.includes("smoothing") || parts.includes("noise"))
    for (const size of scope.sizes) add(lan(OFF, size, "up"), network);
  if (parts.includes("smoothing"))
    for (const order of scope.orders)
      for (const parameter of scope.degrees)
        for (const size of order === "time" ? scope.sizes : scope.presetSizes)
          add(lan({ kind: "smoothing", parameter, order }, size, "up"), network);
  if (parts.includes("noise"))
    for (const parameter of nus)
      for (const size of scope.sizes) add(lan({ kind: "noise", parameter, order: "time" }, size, "up"), network);
  if (parts.includes("simulated"))
    for (const size of scope.sideSizes) {
      add(lan(OFF, size, "up"), network);
      for (const nu of nus) {
        add(lan({ kind: "simulated", parameter: nu, order: "time" }, size, "up"), network);
        add(lan({ kind: "preset", preset: "paper", nu }, size, "up"), network);
      }
    }
  if (!parts.includes("presets")) return;
  for (const preset of presets)
    for (const { observer, direction } of views(scope, preset))
      for (const size of scope.presetSizes) {
        const point: Point = {
          scenario,
          defense: { kind: "preset", preset },
          observer,
          vantage: "beyond",
          windows: packets(size, direction),
        };
        const middle = size === middleOf(scope.presetSizes) && direction === "both";
        add(point, quickAttacks(), middle && observer === "stats" ? scope.nullEmulated : 0);
        // By themselves: a null of theirs would take days.
        if (scope.sequences && middle) add(point, dearAttacks());
      }
}

function planCaptures(scenario: string, { scope, parts, presets }: CellsWanted, add: Add): void {
  if (!parts.includes("presets")) return;
  for (const preset of presets)
    for (const { observer, direction } of views(scope, preset)) {
      const point: Point = {
        scenario,
        defense: { kind: "preset", preset },
        observer,
        vantage: "beyond",
        windows: { cut: "trace", size: 0, direction, field: "raw" },
      };
      const attacks = scope.sequences ? ATTACK_ORDER : quickAttacks();
      const nulled = direction === "both" && (scope.sequences || observer === "stats");
      add(point, attacks, nulled ? scope.nullCaptures : 0);
    }
}

function views(
  { parsed, parsedUndefended }: Scope,
  preset: PresetName,
): { readonly observer: ObserverKind; readonly direction: Direction }[] {
  return [
    ...DIRECTIONS.map((direction) => ({ observer: "stats" as const, direction })),
    ...(preset === "off" && !parsedUndefended ? [] : parsed).map((direction) => ({
      observer: "parse" as const,
      direction,
    })),
  ];
}

function packets(size: number, direction: Direction): WindowOptions {
  return { cut: "packets", size, direction, field: "raw" };
}

const ATTACK_ORDER: readonly string[] = ATTACKS.map(({ name }) => name);

function isDear(name: string): boolean {
  return ATTACKS.find((attack) => attack.name === name)?.form === "sequence";
}

function quickAttacks(): string[] {
  return ATTACK_ORDER.filter((name) => !isDear(name));
}

function dearAttacks(): string[] {
  return ATTACK_ORDER.filter(isDear);
}

function middleOf(sizes: readonly number[]): number {
  return sizes.includes(1000) ? 1000 : (sizes[Math.floor(sizes.length / 2)] ?? 0);
}

/** Scenario by scenario, and pass by pass. */
function inOrder(cells: readonly CellPlan[]): CellPlan[] {
  const passes = [...new Set(cells.map((cell) => passKey(passOf(cell))))];
  return passes.flatMap((pass) => cells.filter((cell) => passKey(passOf(cell)) === pass));
}

/** What a person reads, and a digest of all. */
function idOf(plan: Omit<CellPlan, "id">): string {
  const { scenario, defense, observer, vantage, windows } = plan;
  const defended =
    defense.kind === "preset"
      ? [defense.preset, defense.nu]
      : [defense.kind, defense.parameter, defense.order === "time" ? undefined : defense.order];
  const cut = windows.cut === "packets" ? `n${String(windows.size)}` : windows.cut;
  const words = [scenario, ...defended, observer, vantage, windows.direction, cut].filter((word) => word !== undefined);
  const digest = createHash("sha256").update(JSON.stringify(plan)).digest("hex").slice(0, 8);
  return `${words.join("-").replace(/[^A-Za-z0-9.]+/g, "-")}-${digest}`;
}
