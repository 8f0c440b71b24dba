/** Nothing that somebody was told of is lost: streams, consumers, messages; and no sequence that was told is used again. */
import type { Model, ModelStream, Stored } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

/** After every start and whenever the world is quiet: all that is readable is promised from now on. */
export function checkDurability(model: Model, contents: Map<string, StreamContents>): void {
  for (const stream of model.streams.values()) {
    const found = contents.get(stream.name)
    must(found || stream.existence !== 'there', `stream ${stream.name} is lost`)
    must(!found || stream.existence !== 'gone', `stream ${stream.name} is back after its deletion was confirmed`)
    if (!found) continue
    checkConsumers(stream, found)
    must(
      found.lastSeq >= stream.toldSeq,
      `${stream.name}: sequence ${stream.toldSeq} was told, and the last is ${found.lastSeq}`,
    )
    for (const [seq, stored] of stream.stored) checkMessage(model, stream, found, seq, stored)
    for (const message of found.messages.values()) {
      const seen = model.saw(stream, message.seq, message.subject, message.bytes, message.timeMs, message.body)
      if (message.seq <= found.readableSeq) seen.promised = true
    }
    stream.toldSeq = Math.max(stream.toldSeq, Math.min(found.lastSeq, found.readableSeq))
  }
  for (const name of contents.keys()) must(model.streams.has(name), `nobody ever asked for stream ${name}`)
}

function checkConsumers(stream: ModelStream, found: StreamContents): void {
  for (const consumer of stream.consumers.values()) {
    const there = found.progress.get(consumer.name)
    // It leaves by itself; a crash may undo that.
    if (!there && consumer.config.inactive_threshold && consumer.existence === 'there') consumer.existence = 'leaving'
    must(there || consumer.existence !== 'there', `consumer ${stream.name}/${consumer.name} is lost`)
    must(!there || consumer.existence !== 'gone', `consumer ${stream.name}/${consumer.name} is back after its deletion`)
    if (!there) continue
    must(
      there.delivered.streamSeq <= found.lastSeq && there.ackFloor.streamSeq <= found.lastSeq,
      `consumer ${stream.name}/${consumer.name} stands at ${there.delivered.streamSeq}, floor ${there.ackFloor.streamSeq}; the stream ends at ${found.lastSeq}`,
    )
  }
}

function checkMessage(model: Model, stream: ModelStream, found: StreamContents, seq: number, stored: Stored): void {
  const name = `${stream.name}/${seq}`
  const message = found.messages.get(seq)
  if (message) {
    const isSame = model.publicationOf(message.body) === stored.publication && message.subject === stored.subject
    if (!isSame && !stored.promised) {
      // A letter that the engine had appended and the disk had not: lost, and its sequence used again.
      stream.stored.delete(seq)
      return
    }
    must(
      isSame,
      `${name} was ${stored.subject} ${stored.publication?.body.slice(0, 12)}, and is ${message.subject} ${message.body.slice(0, 12)}`,
    )
    return
  }
  if (!stored.promised) {
    // It was never told to anyone: it may be lost, and its sequence used again.
    if (seq > found.lastSeq) stream.stored.delete(seq)
    return
  }
  if (stored.excused) return
  const excuse = model.excuse(stream, seq, stored, found.lastSeq)
  must(
    excuse !== undefined,
    `${name} (${stored.subject}, ${stored.publication?.body.slice(0, 12)}) is lost: acknowledged or shown, and gone without a reason`,
  )
  stored.excused = true
}
