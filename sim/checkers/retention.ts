/** Nothing is kept that must be gone: limits, age, confirmed removals, and what a work queue's consumer has settled for good. */
import type { Model, ModelStream } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

/** When the world is quiet. */
export function checkRetention(model: Model, contents: Map<string, StreamContents>): void {
  for (const stream of model.streams.values()) {
    const found = contents.get(stream.name)
    if (!found || stream.existence !== 'there') continue
    if (!stream.uncertain) checkLimits(model, stream, found)
    for (const message of found.messages.values()) {
      const name = `${stream.name}/${message.seq}`
      const removed = stream.removals.some(
        (one) => one.confirmed && !one.partial && one.covers(message.seq, message.subject),
      )
      must(!removed, `${name} is there after its removal was confirmed`)
      if (stream.config.retention !== 'workqueue') continue
      for (const consumer of stream.consumers.values()) {
        const told = consumer.deliveries.get(message.seq)?.settledTold && consumer.existence === 'there'
        must(!told, `${name} is still in the work queue after the answer to its double ack`)
      }
    }
  }
}

function checkLimits(model: Model, stream: ModelStream, found: StreamContents): void {
  const { max_msgs, max_bytes, max_msgs_per_subject, max_age } = stream.config
  const all = [...found.messages.values()]
  const within = (limit: string, is: number, most: number): void =>
    must(most <= 0 || is <= most, `${stream.name} has ${limit} ${is}, its limit is ${most}`)
  within('max_msgs', all.length, max_msgs)
  within(
    'max_bytes',
    all.reduce((sum, one) => sum + one.bytes, 0),
    max_bytes,
  )
  const bySubject = new Map<string, number>()
  for (const { subject } of all) bySubject.set(subject, (bySubject.get(subject) ?? 0) + 1)
  for (const [subject, count] of bySubject) within(`max_msgs_per_subject (${subject})`, count, max_msgs_per_subject)
  if (max_age > 0 && all.length > 0) {
    const ageMs = model.nowMs() - all[0].timeMs
    // One tick of patience: age is kept by a timer.
    must(
      ageMs <= max_age / 1e6 + 250,
      `${stream.name}/${all[0].seq} is ${ageMs.toFixed(0)} ms old, max_age is ${max_age / 1e6} ms`,
    )
  }
}
