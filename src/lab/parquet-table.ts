import { ByteWriter, ParquetWriter, schemaFromColumnData, type ColumnSource } from "hyparquet-writer";
import { FEATURES } from "../features/features.js";
import type { Row, Table } from "./table.js";
import type { Target } from "./target.js";

/** Rows that are gathered before they are written: some 9 MB. */
const GROUP = 1 << 16;

/** Writes Parquet: 64-bit integers and doubles, a row group for each 65,536 rows. */
export class ParquetTable implements Table {
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  readonly #files: string[] = [];
  readonly #whole: boolean[] = [];
  readonly #index = new BigInt64Array(GROUP);
  readonly #packets = new BigInt64Array(GROUP);
  readonly #lengths = new BigInt64Array(GROUP);
  readonly #start = new Float64Array(GROUP);
  readonly #features = FEATURES.map(() => new Float64Array(GROUP));
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
    const schema = schemaFromColumnData({ columnData: this.#columns() });
    this.#writer = new ParquetWriter({ writer: this.#bytes, schema, createdBy: "hushbox" });
  }

  add(row: Row): void {
    const at = this.#files.length;
    this.#files.push(row.file);
    this.#whole.push(row.whole);
    this.#index[at] = BigInt(row.index);
    this.#packets[at] = BigInt(row.packets);
    this.#lengths[at] = BigInt(row.bytes);
    this.#start[at] = row.start;
    for (const [i, column] of this.#features.entries()) column[at] = row.features[i] ?? 0;
    if (at + 1 === GROUP) this.#group();
  }

  end(): void {
    this.#group();
    void this.#writer.finish();
    this.#pass();
  }

  #group(): void {
    if (this.#files.length === 0) return;
    void this.#writer.write({ columnData: this.#columns(), rowGroupSize: GROUP });
    this.#files.length = 0;
    this.#whole.length = 0;
    this.#pass();
  }

  /** The rows gathered so far. */
  #columns(): ColumnSource[] {
    const n = this.#files.length;
    const column = (name: string, type: "STRING" | "INT64" | "DOUBLE" | "BOOLEAN", data: ColumnSource["data"]) => ({
      ...{ name, type, data, nullable: false },
    });
    return [
      column("file", "STRING", this.#files),
      column("index", "INT64", this.#index.subarray(0, n)),
      column("start", "DOUBLE", this.#start.subarray(0, n)),
      column("packets", "INT64", this.#packets.subarray(0, n)),
      column("bytes", "INT64", this.#lengths.subarray(0, n)),
      column("whole", "BOOLEAN", this.#whole),
      ...FEATURES.map((name, i) => column(name, "DOUBLE", (this.#features[i] ?? new Float64Array(0)).subarray(0, n))),
    ];
  }

  /** Hands on what the writer has made: its count of the file goes on, its buffer begins anew. */
  #pass(): void {
    this.#target.write(this.#bytes.getBytes());
    this.#bytes.index = 0;
  }
}
