/** One random life of a stream and its consumers. Every answer is observed, so both targets must live the same life. */

import { type JetStreamCaller, line } from '../support/jetstream-caller.ts'
import type { Json } from '../support/json.ts'
import { headerOf, type Message, maskReply } from '../support/messages.ts'
import type { Trial } from '../support/trial.ts'
import { Draw } from './draw.ts'

const second = 1_000_000_000

export type Kind = 'limits' | 'workqueue' | 'interest'

interface Reader {
  readonly name: string
  readonly config: Record<string, unknown>
  exists: boolean
  /** Delivered and not answered. */
  open: Message[]
}

export class Workload {
  private readonly trial: Trial
  private js: JetStreamCaller
  private readonly draw: Draw
  private readonly stream: Record<string, unknown> & { name: string }
  private readonly readers: Reader[]
  private readonly restarts: boolean
  private lastSeq = 0
  private life = 0

  constructor(trial: Trial, js: JetStreamCaller, kind: Kind, seed: number, restarts: boolean) {
    this.trial = trial
    this.js = js
    this.draw = new Draw(seed)
    this.restarts = restarts
    this.stream = this.drawStream(kind)
    this.readers = this.drawReaders(kind)
  }

  async run(steps: number): Promise<void> {
    await this.js.peek(`STREAM.DELETE.${this.trial.id}`)
    await this.js.stream(this.stream)
    for (const reader of this.readers) if (this.draw.chance(70)) await this.create(reader)
    for (let i = 0; i < steps; i++) await this.step()
    await this.look()
  }

  private drawStream(kind: Kind): Record<string, unknown> & { name: string } {
    const { draw, trial } = this
    const config: Record<string, unknown> & { name: string } = {
      name: trial.id,
      subjects: [`${trial.subject}.>`],
      retention: kind,
      storage: this.restarts ? 'file' : draw.from(['file', 'memory']),
      allow_rollup_hdrs: true,
      allow_direct: true,
    }
    if (draw.chance(40)) config.max_msgs = 5 + draw.below(15)
    if (draw.chance(30)) config.max_msgs_per_subject = 1 + draw.below(4)
    if (draw.chance(20)) config.max_bytes = 400 + draw.below(1500)
    if (draw.chance(30)) config.discard = 'new'
    if (config.discard === 'new' && config.max_msgs_per_subject && draw.chance(40))
      config.discard_new_per_subject = true
    return config
  }

  private drawReaders(kind: Kind): Reader[] {
    const { draw, trial } = this
    const queue = kind === 'workqueue'
    return ['A', 'B', 'C'].map((name, i) => {
      const config: Record<string, unknown> = {
        durable_name: name,
        ack_policy: queue ? 'explicit' : draw.from(['explicit', 'explicit', 'none']),
        ack_wait: 300 * second,
      }
      // A work queue's consumers share nothing: each has a letter of its own.
      if (queue) config.filter_subject = `${trial.subject}.${'abc'[i]}.>`
      else if (draw.chance(30))
        config.filter_subject = `${trial.subject}.${draw.from(['a', '*'])}.${draw.from(['1', '2', '*'])}`
      else if (draw.chance(20)) config.filter_subjects = [`${trial.subject}.a.>`, `${trial.subject}.b.1`]
      if (!queue && draw.chance(20)) config.deliver_policy = draw.from(['new', 'last'])
      if (config.ack_policy !== 'none' && draw.chance(30)) config.max_ack_pending = 1 + draw.below(4)
      if (config.ack_policy !== 'none' && draw.chance(40)) config.max_deliver = 1 + draw.below(3)
      if (draw.chance(10)) config.headers_only = true
      return { name, config, exists: false, open: [] }
    })
  }

  private async step(): Promise<void> {
    if (this.restarts && this.draw.chance(5)) return this.restart()
    const roll = this.draw.below(100)
    if (roll < 45) await this.publish()
    else if (roll < 70) await this.read()
    else if (roll < 82) await this.answer()
    else if (roll < 86) await this.remove()
    else if (roll < 89) await this.purge()
    else if (roll < 92) await this.comeOrGo()
    else if (roll < 95) await this.get()
    else await this.look()
  }

  /** A clean stop and a start: what was delivered and not answered is still open. */
  private async restart(): Promise<void> {
    await this.trial.server.restart()
    this.life++
    this.js = await this.trial.js()
    await this.look()
  }

  private subject(): string {
    return `${this.trial.subject}.${this.draw.from(['a', 'b', 'c'])}.${this.draw.from(['1', '2'])}`
  }

  private async publish(): Promise<void> {
    const { draw } = this
    const headers: string[] = []
    // nats-server forgets over a restart the ids of messages that left; ours does not: dedupe-restart.
    if (draw.chance(20)) headers.push(`Nats-Msg-Id: id${this.life}.${draw.below(12)}`)
    if (draw.chance(10)) headers.push(`Nats-Expected-Last-Sequence: ${Math.max(0, this.lastSeq - draw.below(2))}`)
    if (draw.chance(8)) headers.push(`Nats-Expected-Last-Subject-Sequence: ${draw.below(4)}`)
    const rollup = draw.chance(5) && `Nats-Rollup: ${draw.from(['sub', 'all'])}`
    // Not on interest: nats-server rolls up even when the message itself is wanted by nobody, and not stored.
    // Not where there are consumers: it goes on counting what was removed as pending.
    const alone = this.readers.every((reader) => !reader.exists)
    if (rollup && this.stream.retention !== 'interest' && alone) headers.push(rollup)
    if (headers.length > 0) this.trial.observe('with', headers.join(', '))
    const ack = await this.js.publish(
      this.subject(),
      'x'.repeat(draw.below(60)),
      headers.length > 0 ? headers : undefined,
    )
    if (ack.seq > this.lastSeq) this.lastSeq = ack.seq
  }

  private async read(): Promise<void> {
    const reader = this.draw.from(this.readers)
    const batch = 1 + this.draw.below(4)
    if (!reader.exists) return
    const info = await this.settled(reader)
    // At its bound a request would wait instead of ending.
    const bound = Number(info.config.max_ack_pending ?? -1)
    if (bound > 0 && info.num_ack_pending + batch > bound) return
    const inbox = this.js.caller.subscribe(this.js.caller.newInbox())
    this.js.caller.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${this.trial.id}.${reader.name}`,
      JSON.stringify({ batch, no_wait: true }),
      { reply: inbox.subject },
    )
    for (let i = 0; i < batch; i++) {
      const message = await inbox.next()
      this.trial.observe(
        `pull ${reader.name}`,
        `${line(message)} ${maskReply(message.reply)} ${headerOf(message, 'Nats-Msg-Size') ?? ''}`,
      )
      if (message.status !== 0) break
      if (reader.config.ack_policy !== 'none') reader.open.push(message)
    }
    this.js.caller.unsubscribe(inbox)
  }

  private async answer(): Promise<void> {
    const reader = this.draw.from(this.readers)
    const which = this.draw.below(100)
    // nats-server forgets over a restart what was asked for again; ours does not: redelivery-restart.
    const drawn = this.draw.from(['+ACK', '+ACK', '+ACK', '-NAK', '+TERM', '+WPI'])
    const text = drawn === '-NAK' && this.restarts ? '+WPI' : drawn
    if (!reader.exists || reader.open.length === 0) return
    const [message] =
      text === '+WPI' ? [reader.open[which % reader.open.length]] : reader.open.splice(which % reader.open.length, 1)
    await this.js.answerSure(message, text)
    this.trial.observe(`answer ${reader.name}`, `${text} ${message.reply.split('.')[5]}`)
  }

  private async remove(): Promise<void> {
    const seq = 1 + this.draw.below(Math.max(1, this.lastSeq))
    // With other words when it is not there, as stated: delete-missing.
    const reply = await this.js.peek(`STREAM.MSG.DELETE.${this.trial.id}`, { seq })
    this.trial.observe('delete', `${seq} ${reply.success === true}`)
  }

  private async purge(): Promise<void> {
    const { draw, trial } = this
    const request = draw.from<Json>([
      {},
      { filter: `${trial.subject}.a.>` },
      { keep: 3 },
      { seq: Math.max(1, this.lastSeq - 4) },
      { filter: `${trial.subject}.*.1`, keep: 2 },
    ])
    if (!(await this.isAllAnswered())) return
    // After a purge of a part nats-server may count as pending what is not there: only where there are no consumers.
    const alone = this.readers.every((reader) => !reader.exists)
    await this.js.api(`STREAM.PURGE.${trial.id}`, alone ? request : {})
  }

  /** Where a purge or a roll-up meets what waits for acks the two differ, as stated: purge-floor. */
  private async isAllAnswered(): Promise<boolean> {
    for (const reader of this.readers) {
      if (reader.exists && (await this.settled(reader)).num_ack_pending > 0) return false
    }
    return true
  }

  private async comeOrGo(): Promise<void> {
    const reader = this.draw.from(this.readers)
    if (!reader.exists) return this.create(reader)
    await this.js.ok(`CONSUMER.DELETE.${this.trial.id}.${reader.name}`)
    reader.exists = false
    reader.open = []
    await this.look()
  }

  private async create(reader: Reader): Promise<void> {
    const reply = await this.js.peek(`CONSUMER.CREATE.${this.trial.id}.${reader.name}`, {
      stream_name: this.trial.id,
      config: reader.config,
    })
    this.trial.observe(`create ${reader.name}`, reply.error?.description ?? 'ok')
    reader.exists = !reply.error
  }

  private async get(): Promise<void> {
    const { draw, js, trial } = this
    const request = draw.from<Json>([
      { seq: 1 + draw.below(this.lastSeq + 2) },
      { last_by_subj: this.subject() },
      { seq: 1 + draw.below(this.lastSeq + 1), next_by_subj: this.subject() },
      { last_by_subj: `${trial.subject}.a.*` },
    ])
    await js.api(`STREAM.MSG.GET.${trial.id}`, request)
    const direct = await js.caller.request(`$JS.API.DIRECT.GET.${trial.id}`, JSON.stringify(request))
    trial.observe('direct', `${direct.status} ${direct.text} ${headerOf(direct, 'Nats-Sequence') ?? ''}`)
  }

  /** Everything there is to see. */
  private async look(): Promise<void> {
    for (const reader of this.readers) if (reader.exists) await this.settled(reader)
    const { state } = await this.js.okPeek(`STREAM.INFO.${this.trial.id}`, {
      subjects_filter: '>',
      deleted_details: true,
    })
    delete state.last_ts
    // After a start the time of a first message that is only on disk is told once it was read.
    if (this.restarts) delete state.first_ts
    // Before the first message, 0 or 1 is no difference to anyone.
    if (state.last_seq === 0) delete state.first_seq
    if (state.messages === 0) for (const field of ['deleted', 'num_deleted']) delete state[field]
    this.trial.observe('stream', state)
    for (const reader of this.readers) {
      if (!reader.exists) continue
      const info = await this.settled(reader)
      this.trial.observe(`consumer ${reader.name}`, {
        delivered: info.delivered.consumer_seq,
        ack_pending: info.num_ack_pending,
        redelivered: info.num_redelivered,
        pending: info.num_pending,
      })
    }
  }

  /** The consumer's info when it has come to rest: nats-server counts a little after it answers. */
  private async settled(reader: Reader): Promise<Json> {
    let before = ''
    for (let same = 0; ; ) {
      const info = await this.js.okPeek(`CONSUMER.INFO.${this.trial.id}.${reader.name}`)
      const now = JSON.stringify([
        info.num_pending,
        info.num_ack_pending,
        info.delivered.stream_seq,
        info.ack_floor.stream_seq,
        info.num_waiting,
      ])
      same = now === before ? same + 1 : 0
      if (same === 2) return info
      before = now
    }
  }
}
