/** At the end, with clients that acknowledge everything: a consumer that starts with the first message has been given each that is still there. */
import { type Model, wants } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

export function checkAllDelivered(model: Model, contents: Map<string, StreamContents>): void {
  for (const stream of model.streams.values()) {
    for (const message of contents.get(stream.name)?.messages.values() ?? []) {
      for (const consumer of stream.consumers.values()) {
        if (consumer.existence !== 'there' || consumer.config.deliver_policy !== 'all') continue
        if (consumer.config.inactive_threshold && !contents.get(stream.name)?.progress.has(consumer.name)) continue
        if (consumer.everExhausting && consumer.config.metadata) continue
        // Acknowledging all takes those along that were recorded as delivered and never arrived.
        if (consumer.config.ack_policy === 'all') continue
        if (!wants(consumer, message.subject)) continue
        // A recorded delivery counts, even when the server stopped before it sent it: it may have been the last one allowed.
        const givenUp = contents.get(stream.name)?.progress.get(consumer.name)?.exhausted.has(message.seq)
        const given = consumer.deliveries.has(message.seq) || givenUp
        must(
          given,
          `${stream.name}/${consumer.name} stands beyond message ${message.seq}, which it never gave to anyone`,
        )
      }
    }
  }
}
