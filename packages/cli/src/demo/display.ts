import type { Cancel, Clock, Timers } from '@matrix-futures/engine';
import { leaveAfter } from './story.ts';

const width = 40;
/** The line is drawn 20 times a second. */
const frame = 50;

/** A terminal gets one line that is redrawn, with the timer of the leave; anything else gets the story's lines only. */
export class Display {
  readonly #out: NodeJS.WriteStream;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #began: number;
  #deadline: number | null = null;
  #note = '';
  #cancel: Cancel | null = null;

  constructor(out: NodeJS.WriteStream, clock: Clock, timers: Timers) {
    this.#out = out;
    this.#clock = clock;
    this.#timers = timers;
    this.#began = clock.now();
  }

  /** One line of the story, with the seconds since its start. */
  say(text: string): void {
    const seconds = ((this.#clock.now() - this.#began) / 1000).toFixed(1).padStart(5);
    this.#out.write(`${this.#out.isTTY ? '\r\x1b[2K' : ''}${seconds} s  ${text}\n`);
  }

  /** The timer starts again. */
  restart(note: string): void {
    this.#deadline = this.#clock.now() + leaveAfter;
    this.#note = note;
    if (this.#cancel === null && this.#out.isTTY) this.#draw();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#deadline = null;
    if (this.#out.isTTY) this.#out.write('\r\x1b[2K');
  }

  note(text: string): void {
    this.#note = text;
  }

  #draw(): void {
    const left = Math.max(0, (this.#deadline ?? 0) - this.#clock.now());
    const full = Math.round((left / leaveAfter) * width);
    const bar = '█'.repeat(full) + '░'.repeat(width - full);
    this.#out.write(`\r\x1b[2K         leave in ${(left / 1000).toFixed(1)} s ${bar} ${this.#note}`);
    this.#cancel = this.#timers.after(frame, () => this.#draw());
  }
}
