/** Runs things of one name one after the other, in the order they were asked for, and those of other names meanwhile. */
export class InTurn {
  readonly #last = new Map<string, Promise<void>>();

  async run<A>(name: string, run: () => Promise<A>): Promise<A> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = before.then(run);
    const settled = mine.then(
      () => {},
      () => {},
    );
    this.#last.set(name, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}
