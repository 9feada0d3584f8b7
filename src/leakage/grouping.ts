/** How many rows each group has of each class: groups × classes. A group is a capture or a query: its rows belong together. */
export class Grouping {
  readonly groups: number;
  readonly classes: number;
  readonly names: readonly string[];
  readonly rows: Float64Array;

  /** `names`: of the classes. */
  constructor(groups: number, names: readonly string[]) {
    this.groups = groups;
    this.classes = names.length;
    this.names = names;
    this.rows = new Float64Array(groups * names.length);
  }

  /** Counts rows: `labels` and `of`, the group, of each. */
  count(labels: Uint8Array, of: Uint32Array): this {
    for (const [row, label] of labels.entries()) {
      const i = (of[row] ?? 0) * this.classes + label;
      this.rows[i] = (this.rows[i] ?? 0) + 1;
    }
    return this;
  }

  at(group: number, label: number): number {
    return this.rows[group * this.classes + label] ?? 0;
  }

  /** The classes that a group has rows of, in order: mostly one. */
  classesOf(group: number): number[] {
    const found: number[] = [];
    for (let c = 0; c < this.classes; c++) if (this.at(group, c) > 0) found.push(c);
    return found;
  }

  /** All rows of a group. */
  size(group: number): number {
    let sum = 0;
    for (let c = 0; c < this.classes; c++) sum += this.at(group, c);
    return sum;
  }

  /** Rows and groups of a class. */
  ofClass(label: number): { readonly rows: number; readonly groups: number } {
    let rows = 0;
    let groups = 0;
    for (let g = 0; g < this.groups; g++) {
      rows += this.at(g, label);
      if (this.at(g, label) > 0) groups++;
    }
    return { rows, groups };
  }

  /** The groups with rows, put together by the classes that they have: where each group is of one class, by class. In order of group. */
  strata(): number[][] {
    const found = new Map<string, number[]>();
    for (let g = 0; g < this.groups; g++) {
      const key = this.classesOf(g).join(" ");
      if (key === "") continue;
      const stratum = found.get(key);
      if (stratum === undefined) found.set(key, [g]);
      else stratum.push(g);
    }
    return [...found.values()];
  }
}
