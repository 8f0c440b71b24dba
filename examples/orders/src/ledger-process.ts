/** Runs the ledger as a child process, and starts it again each time it has killed itself. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Progress } from './progress.ts'

export class LedgerProcess {
  readonly #progress: Progress
  readonly #servers: string[]
  readonly #path: string
  #child: ChildProcess | undefined
  #until: number | undefined
  #run: Promise<void>
  #stopped = false

  constructor(servers: string[], path: string, progress: Progress) {
    this.#servers = servers
    this.#path = path
    this.#progress = progress
    this.#run = this.#keepRunning()
    // Whoever awaits `finish` hears of it; until then it must not count as unhandled.
    this.#run.catch(() => {})
  }

  /** Resolves when everything up to `seq` is in the ledger and the process has ended. */
  async finish(seq: number): Promise<void> {
    this.#until = seq
    this.#child?.send({ until: seq })
    await this.#run
  }

  /** Ends it wherever it is. */
  stop(): void {
    this.#stopped = true
    this.#child?.kill('SIGKILL')
  }

  async #keepRunning(): Promise<void> {
    const share = Math.max(1, Math.floor(this.#progress.orders / 4))
    // In the middle of a transaction, and between the commit and everything after it.
    const deaths = [`${share} before-commit`, `${share} after-commit`]
    for (;;) {
      const [after, where] = (deaths.shift() ?? '0 never').split(' ')
      const args = [this.#servers.join(','), this.#path, after, where]
      const child = fork(fileURLToPath(new URL('./ledger.js', import.meta.url)), args, { execArgv: [] })
      this.#child = child
      child.on('message', (message: { entries: number }) => {
        this.#progress.ledger = message.entries
      })
      if (this.#until !== undefined) child.send({ until: this.#until })
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      if (code === 0 || this.#stopped) return
      if (signal !== 'SIGKILL') throw new Error(`The ledger ended with code ${code}: see above`)
      this.#progress.ledgerCrashes += 1
      this.#progress.note(`the ledger killed itself (${where}) and starts again from its database`)
    }
  }
}
