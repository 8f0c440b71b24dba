/** Writes the records of a new run to a segment, in steps, and keeps its index meanwhile. */
import type { File } from '../base/fs.ts'
import { append } from './flush-context.ts'
import { Run } from './run.ts'

/** One step of copying: larger ones make commits wait behind them. */
export const STEP_BYTES: number = 256 * 1024

export class RunWriter {
  readonly #file: File
  readonly #name: string
  readonly #offsets: Uint32Array
  readonly #filePositions: Uint32Array
  readonly #room: number
  #run: Run | undefined
  #step: Uint8Array = Buffer.allocUnsafeSlow(STEP_BYTES)
  #filled = 0
  /** Where in the file the step goes. */
  #at: number

  /** The run begins at byte `at` of the file and has at most `room` entries. */
  constructor(file: File, name: string, at: number, room: number) {
    this.#file = file
    this.#name = name
    this.#at = at
    this.#room = room
    this.#offsets = new Uint32Array(room)
    this.#filePositions = new Uint32Array(room + 1)
  }

  /** Whether another record fits in this step; a step takes at least one. */
  hasRoom(bytes: number): boolean {
    return this.#filled === 0 || this.#filled + bytes <= this.#step.length
  }

  /** Adds the record `from[start, start + length)`; sequences ascend. */
  add(seq: number, position: number, subjectId: number, from: Uint8Array, start: number, length: number): void {
    if (length > this.#step.length) this.#step = Buffer.allocUnsafeSlow(length)
    this.#step.set(from.subarray(start, start + length), this.#filled)
    this.#run ??= new Run(seq, this.#room)
    const run = this.#run
    this.#offsets[run.n] = seq - run.first
    this.#filePositions[run.n] = this.#at + this.#filled
    run.push(position, subjectId)
    this.#filled += length
  }

  /** Writes what is gathered. */
  async step(): Promise<void> {
    if (this.#filled === 0) return
    const bytes = this.#step.subarray(0, this.#filled)
    await append(this.#file, this.#name, bytes, this.#at)
    this.#at += this.#filled
    this.#filled = 0
  }

  /** Writes the rest; the run with its positions in the file, or undefined when nothing was added. */
  async end(): Promise<Run | undefined> {
    await this.step()
    const run = this.#run
    if (!run) return undefined
    this.#filePositions[run.n] = this.#at
    run.filePositions = this.#filePositions.subarray(0, run.n + 1)
    if (this.#offsets[run.n - 1] !== run.n - 1) run.offsets = this.#offsets.subarray(0, run.n)
    return run
  }
}
