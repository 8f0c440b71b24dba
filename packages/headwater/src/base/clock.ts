/** Time as a seam: the engine asks this port, so that a test or a simulation can own the hours. */

/** A scheduled call; `cancel` is idempotent and does nothing after it fired. */
export interface Timer {
  cancel(): void
}

/** A source of time. Two instances exist in a server: message time (a test may move it) and connection time (always real). */
export interface Clock {
  /** Milliseconds since the epoch, with a fraction. Never steps back within one process, whatever the wall clock does. */
  now(): number
  /** Runs `fire` once, `ms` milliseconds from now at the earliest. */
  after(ms: number, fire: () => void): Timer
}

/** The end of the current turn: when everything that arrived together has been handled. */
export interface Turn {
  /** Runs `end` once, after the current turn's input is handled. Calls run in the order in which they were asked for. */
  atEnd(end: () => void): void
}

/** The real clock: the wall clock at start, carried on by the monotonic one. The only use of Date.now and setTimeout. */
export class SystemClock implements Clock {
  readonly #startWallMs = Date.now()
  readonly #startMonotonicMs = performance.now()

  now(): number {
    return this.#startWallMs + (performance.now() - this.#startMonotonicMs)
  }

  after(ms: number, fire: () => void): Timer {
    // Node turns a delay beyond 2^31-1 ms into 1 ms; a timer that far away re-arms itself instead.
    const longestMs = 2_000_000_000
    let handle: NodeJS.Timeout
    let late: NodeJS.Immediate | undefined
    // After a stall of the process Node runs timers before it reads sockets: what lies there comes first, an ack or a pong.
    const fireSoon = (): void => {
      // Not unref'd: the loop would sleep in its poll, with this to do.
      late = setImmediate(fire)
    }
    const arm = (leftMs: number): void => {
      handle = leftMs > longestMs ? setTimeout(() => arm(leftMs - longestMs), longestMs) : setTimeout(fireSoon, leftMs)
      handle.unref()
    }
    arm(Math.max(0, ms))
    return {
      cancel: () => {
        clearTimeout(handle)
        clearImmediate(late)
      },
    }
  }
}

/** The real turn: everything that one poll of the event loop delivered. The only use of setImmediate. */
export class SystemTurn implements Turn {
  #ends: (() => void)[] = []
  readonly #run = (): void => {
    const ends = this.#ends
    this.#ends = []
    for (const end of ends) end()
  }

  atEnd(end: () => void): void {
    if (this.#ends.push(end) === 1) setImmediate(this.#run)
  }
}
