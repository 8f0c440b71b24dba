/** Where the run stands: counted as it goes, printed now and then. */

export class Progress {
  acknowledged = 0
  publishRetries = 0
  duplicateAcks = 0
  processed = 0
  redelivered = 0
  recognised = 0
  dead = 0
  ledger = 0
  ledgerCrashes = 0
  brokerKills = 0
  readonly startedMs: number = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(readonly orders: number) {}

  /** How much of the whole is done, 0 to 1: half for acknowledged, half for processed. */
  get fraction(): number {
    return (this.acknowledged + this.processed) / (2 * this.orders)
  }

  get seconds(): number {
    return (performance.now() - this.startedMs) / 1000
  }

  print(): void {
    console.log(
      `${this.seconds.toFixed(1).padStart(6)} s  acknowledged ${this.acknowledged}/${this.orders}` +
        `  processed ${this.processed}  ledger ${this.ledger}  dead letters ${this.dead}`,
    )
  }

  note(text: string): void {
    console.log(`${this.seconds.toFixed(1).padStart(6)} s  ${text}`)
  }

  start(): void {
    this.#timer = setInterval(() => this.print(), 1000)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
