/** The clients of the simulation: they publish, ask the API, and are told, later, not at all, or that the server is gone. */
import type { SimBus } from './bus.ts'

// biome-ignore lint/suspicious/noExplicitAny: the API's answers are looked into wherever it helps
export type Json = Record<string, any>

/** What came of a request. `lost`: the server died first, so it may have happened or not. `none`: nobody listens. */
export type Answer = { reply: string; headers: string } | 'lost' | 'none'

export class Clients {
  readonly bus: SimBus
  readonly #open = new Map<string, { subject: string; answered: (answer: Answer) => void }>()
  #inboxes = 0

  constructor(bus: SimBus) {
    this.bus = bus
    bus.subscribe('clients', '_INBOX.r.*', ({ to, payload, headers }) => this.#settle(to, { reply: payload, headers }))
  }

  /** Requests without an answer. */
  get open(): number {
    return this.#open.size
  }

  /** What they are about. */
  unanswered(): string {
    return [...this.#open.values()].map((one) => one.subject).join(', ')
  }

  request(subject: string, headers: string, payload: string, answered: (answer: Answer) => void): void {
    const inbox = `_INBOX.r.${++this.#inboxes}`
    this.#open.set(inbox, { subject, answered })
    if (!this.bus.publish(subject, inbox, headers, payload)) this.#settle(inbox, 'none')
  }

  /** Asks the JetStream API; the answer is parsed, `error` in it is for the caller to look at. */
  api(subject: string, body: unknown, answered: (answer: Json | 'lost' | 'none') => void): void {
    const payload = body === undefined ? '' : JSON.stringify(body)
    this.request(`$JS.API.${subject}`, '', payload, (answer) =>
      answered(typeof answer === 'string' ? answer : (JSON.parse(answer.reply) as Json)),
    )
  }

  /** An inbox of its own, for a pull. */
  inbox(): string {
    return `_INBOX.p.${++this.#inboxes}`
  }

  /** The server is gone: what was asked stays undecided. */
  crash(): void {
    const open = [...this.#open.values()]
    this.#open.clear()
    for (const { answered } of open) answered('lost')
  }

  #settle(inbox: string, answer: Answer): void {
    const request = this.#open.get(inbox)
    this.#open.delete(inbox)
    request?.answered(answer)
  }
}
