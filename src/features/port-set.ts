/** A set of port numbers. A port is in when its stamp is this round's, so that clearing costs nothing. */
export class PortSet {
  size = 0;
  readonly #stamps = new Uint32Array(65536);
  #round = 1;

  add(port: number): void {
    if (this.#stamps[port] === this.#round) return;
    this.#stamps[port] = this.#round;
    this.size++;
  }

  clear(): void {
    this.size = 0;
    this.#round++;
    if (this.#round > 0xffff_ffff) {
      this.#stamps.fill(0);
      this.#round = 1;
    }
  }
}
