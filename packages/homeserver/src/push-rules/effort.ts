/**
 * What judging events by somebody's rules may cost: about a character looked at is a step. Users make both the rules
 * and the events, 500 patterns against messages of 60 KB, and everybody else waits while they are compared.
 */
export class Effort {
  #left: number;

  constructor(steps: number) {
    this.#left = steps;
  }

  /** false: there is nothing left, now and from now on */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }
}
