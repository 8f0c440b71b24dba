/** Sequences and identity: one message a sequence, bodies as they were sent, times that never fall, no duplicate within its window. */
import type { Model, ModelStream, Publication } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

/** A client got a PubAck. */
export function checkAcknowledged(
  model: Model,
  stream: ModelStream,
  one: Publication,
  ack: { seq: number; duplicate?: boolean },
): void {
  const { seq } = ack
  const before = stream.stored.get(seq)
  if (ack.duplicate) {
    must(one.msgId !== '', `${stream.name}: a message without an id was called a duplicate`)
    const original = before?.publication
    must(
      !original || original.msgId === one.msgId,
      `${stream.name}: p${one.id} was called a duplicate of ${seq}, which has another id`,
    )
    one.outcome = 'duplicate'
    return
  }
  must(
    !before || before.publication === one,
    `${stream.name}: sequence ${seq} was given to p${one.id} and to p${before?.publication?.id}`,
  )
  one.outcome = 'stored'
  one.seq = seq
  const bytes = one.subject.length + one.headers.length + one.body.length + 34
  model.saw(stream, seq, one.subject, bytes, one.sentAtMs, one.body).promised = true
  stream.toldSeq = Math.max(stream.toldSeq, seq)
}

export function checkOrder(model: Model, contents: Map<string, StreamContents>): void {
  for (const stream of model.streams.values()) {
    const found = contents.get(stream.name)
    if (!found) continue
    let lastMs = 0
    for (const message of found.messages.values()) {
      must(message.timeMs >= lastMs, `${stream.name}/${message.seq} is older than the message before it`)
      lastMs = message.timeMs
      if (!stream.takesLetters) checkBody(model, stream, message)
    }
    // Letters keep the ids of their originals, and pass the window by.
    if (!stream.takesLetters) checkDuplicates(stream)
  }
}

function checkBody(
  model: Model,
  stream: ModelStream,
  message: { seq: number; subject: string; headers: string; body: string },
): void {
  const one = model.publicationOf(message.body)
  const name = `${stream.name}/${message.seq}`
  must(one, `${name} holds what nobody published: ${JSON.stringify(message.body.slice(0, 40))}`)
  must(
    one.born === stream.born &&
      one.subject === message.subject &&
      one.body === message.body &&
      one.headers === message.headers,
    `${name} is not as p${one.id} was sent`,
  )
  must(one.outcome !== 'refused', `${name} holds p${one.id}, which was refused`)
  must(one.outcome !== 'duplicate', `${name} holds p${one.id}, which was called a duplicate`)
  must(
    one.outcome !== 'stored' || one.seq === message.seq,
    `${name} holds p${one.id}, which was acknowledged as ${one.seq}`,
  )
}

/**
 * Two messages with one id, closer in time than the window, cannot both have been stored: also when the first one is gone by
 * now, and whatever restarts lie between them.
 */
function checkDuplicates(stream: ModelStream): void {
  const windowMs = stream.config.duplicate_window / 1e6
  const lastOf = new Map<string, { seq: number; timeMs: number }>()
  for (const [seq, { publication, timeMs }] of [...stream.stored].sort(([a], [b]) => a - b)) {
    if (!publication?.msgId) continue
    const before = lastOf.get(publication.msgId)
    must(
      !before || timeMs - before.timeMs >= windowMs,
      `${stream.name}: id ${publication.msgId} is stored as ${before?.seq} and again as ${seq}, inside its window`,
    )
    lastOf.set(publication.msgId, { seq, timeMs })
  }
}
