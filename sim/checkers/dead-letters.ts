/**
 * The invariant of dead letters: every message that a consumer with dead letters was given is, for this consumer, in exactly
 * one of pending, held, letter stored and settled, acknowledged; never in none, never in two.
 */
import type { Model, ModelConsumer, ModelStream } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

export function checkDeadLetters(model: Model, contents: Map<string, StreamContents>): void {
  const letters = lettersOf(model, contents)
  for (const stream of model.streams.values()) {
    const found = contents.get(stream.name)
    if (!found) continue
    for (const consumer of stream.consumers.values()) {
      if (!consumer.config.metadata?.['headwater.dead_letter'] || !found.progress.has(consumer.name)) continue
      checkConsumer(model, stream, consumer, found, letters.get(`${stream.name} ${consumer.name}`) ?? new Map())
    }
  }
}

/** By stream and consumer: how many letters each sequence has. Their bodies must be the originals'. */
function lettersOf(model: Model, contents: Map<string, StreamContents>): Map<string, Map<number, number>> {
  const all = new Map<string, Map<number, number>>()
  for (const { takesLetters, name } of model.streams.values()) {
    const found = contents.get(name)
    if (!takesLetters || !found) continue
    for (const letter of found.messages.values()) {
      const header = (key: string): string =>
        new RegExp(`^Dead-Letter-${key}: *(.*?)\r$`, 'm').exec(letter.headers)?.[1] ?? ''
      const seq = Number(header('Sequence'))
      const stream = model.streams.get(header('Stream'))
      const origin = stream?.stored.get(seq)
      const publication = model.publicationOf(letter.body)
      // Headers alone do not tell which message it was.
      const isUnseen =
        stream?.consumers.get(header('Consumer'))?.config.headers_only && publication?.born === stream.born
      must(origin || isUnseen, `letter ${letter.seq} is of ${header('Stream')}/${seq}, which never was`)
      must(
        !origin || origin.publication === publication,
        `letter ${letter.seq} has not the body of ${header('Stream')}/${seq}`,
      )
      const key = `${header('Stream')} ${header('Consumer')}`
      const counts = all.get(key) ?? new Map<number, number>()
      counts.set(seq, (counts.get(seq) ?? 0) + 1)
      model.letters.add(`${key} ${seq}`)
      all.set(key, counts)
    }
  }
  return all
}

function checkConsumer(
  model: Model,
  stream: ModelStream,
  consumer: ModelConsumer,
  found: StreamContents,
  letters: Map<number, number>,
): void {
  const progress = found.progress.get(consumer.name)!
  for (const [seq, count] of letters) {
    const name = `consumer ${stream.name}/${consumer.name} message ${seq}`
    must(count === 1, `${name} has ${count} letters`)
    must(!progress.pending.has(seq) && !progress.held.has(seq), `${name} has a letter, and is not settled`)
    must(
      stream.config.retention !== 'workqueue' || !found.messages.has(seq),
      `${name} has a letter, and is still in the work queue`,
    )
  }
  for (const [seq, delivery] of consumer.deliveries) {
    if (seq > progress.delivered.streamSeq) continue
    const name = `consumer ${stream.name}/${consumer.name} message ${seq}`
    if (progress.pending.has(seq) || progress.held.has(seq) || letters.has(seq)) continue
    if (delivery.settledBy === 'ack' || consumer.config.ack_policy === 'all') continue
    const gone = !found.messages.has(seq) && model.excuse(stream, seq, stream.stored.get(seq)!, found.lastSeq)
    must(
      gone && gone !== 'acknowledged',
      `${name} has fallen between: not pending, not held, no letter, not acknowledged`,
    )
  }
}
