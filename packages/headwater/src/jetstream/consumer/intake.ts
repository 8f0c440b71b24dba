/** Takes in requests for messages: refuses, answers at once, or lets them wait (5.5). */
import type { ConsumerParts } from './consumer-parts.ts'
import { parsePullRequest } from './pull-request.ts'
import type { Pump } from './pump.ts'
import { sendStatus, statusBlock } from './status.ts'

export class Intake {
  readonly #parts: ConsumerParts
  readonly #pump: Pump

  constructor(parts: ConsumerParts, pump: Pump) {
    this.#parts = parts
    this.#pump = pump
  }

  /** The request `bytes[start, end)`, to be served at `reply`. */
  request(reply: string, bytes: Uint8Array, start: number, end: number): void {
    if (reply === '') return
    const { env, settings, delivery, settlement, pulls, push, inactivity } = this.#parts
    const target = env.bus.target(reply)
    const options = push ? '409 Consumer is push based' : parsePullRequest(bytes, start, end, settings)
    if (typeof options === 'string') {
      sendStatus(target, statusBlock(options))
      return
    }
    inactivity.touch()
    const nowMs = env.realClock.now()
    let refused = ''
    if (options.noWait) {
      const available = delivery.numPending + settlement.ready.size
      if (available === 0 && options.expiresMs === undefined) refused = '404 No Messages'
      if (available > 0) {
        pulls.sweep(nowMs, false)
        if (available < pulls.wanted) refused = '408 Requests Pending'
      }
    }
    if (refused === '' && !pulls.add(target, options, nowMs)) {
      // With a heartbeat the client notices by itself, and does not ask again in a hot loop.
      if (options.heartbeatMs > 0) return
      refused = '409 Exceeded MaxWaiting'
    }
    if (refused !== '') sendStatus(target, statusBlock(refused))
    else this.#pump.run()
  }
}
