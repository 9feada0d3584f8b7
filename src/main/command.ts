/** One word of the command line: `hushbox <word> …`. Each lives in `src/main/<word>.ts` and exports `command`. */
export interface Command {
  /** One line for the list of commands, without a full stop. */
  readonly summary: string;
  /** What `--help` prints: synopsis, options, an example. `main.ts` answers `--help` and `-h`, so that `run` never sees them. */
  readonly usage: string;
  /**
   * Does the work with the words behind the command's own name, and resolves to the exit status. Throws HushboxError
   * where it fails (status 1; code `usage` is status 2); a mistake that `parseArgs` finds is status 2 too.
   */
  run(args: string[]): Promise<number>;
}
