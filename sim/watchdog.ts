/**
 * Ends the process when a seed hangs in a loop that lets nothing else run, and says which seed and what it did last. It is a
 * thread of its own, since the hanging one cannot watch itself. A world that turns for ever is found by its own turn budget.
 */
import { writeSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const TEXT_BYTES = 2_000

const watching = `
const { workerData } = require('node:worker_threads')
const { beats, text, patienceMs, pid } = workerData
const { writeSync } = require('node:fs')
let before = -1
let sinceMs = Date.now()
setInterval(() => {
  const now = Atomics.load(beats, 0)
  if (now !== before) { before = now; sinceMs = Date.now(); return }
  if (now === 0 || Date.now() - sinceMs < patienceMs) return
  writeSync(2, '\\nnothing moved for ' + patienceMs / 1000 + ' s: ' + Buffer.from(text).toString('latin1').replace(/\\0+$/, '') + '\\n0 passed, 1 failed\\n')
  process.kill(pid, 'SIGKILL')
}, 1000)
`

export class Watchdog {
  readonly #beats = new Int32Array(new SharedArrayBuffer(4))
  readonly #text = new Uint8Array(new SharedArrayBuffer(TEXT_BYTES))
  readonly #worker: Worker
  #what = ''
  #isDone = false

  /** After `patienceMs` without a beat the process is ended. */
  constructor(patienceMs: number) {
    const workerData = { beats: this.#beats, text: this.#text, patienceMs, pid: process.pid }
    this.#worker = new Worker(watching, { eval: true, workerData })
    this.#worker.unref()
    // Node ends quietly when it waits for something that nothing is left to do.
    process.on('exit', () => {
      if (!this.#isDone) writeSync(2, `\nended while it waited: ${this.#what}\n0 passed, 1 failed\n`)
    })
  }

  /** `what` is about to be done. */
  begins(what: string): void {
    this.#what = what
    this.beat('')
  }

  /** Something moved; `line` says what. */
  beat(line: string): void {
    this.#text.fill(0)
    this.#text.set(Buffer.from(`${this.#what}; last: ${line}`, 'latin1').subarray(0, TEXT_BYTES))
    Atomics.add(this.#beats, 0, 1)
  }

  /** All is done. */
  ends(): void {
    this.#isDone = true
    void this.#worker.terminate()
  }
}
