/** A consumer that nobody uses for its inactive_threshold leaves by itself, some time after. */
import type { Model } from '../model.ts'
import { must } from '../trace.ts'
import type { StreamContents } from './contents.ts'

/** A pull that waits, an acknowledgement that may still come, the jitter of the threshold, and a slow disk. */
const PATIENCE_MS = 5_000 + 10_000 + 1_000 + 9_000

/** When the world is quiet. */
export function checkInactive(model: Model, contents: Map<string, StreamContents>): void {
  for (const stream of model.streams.values()) {
    for (const consumer of stream.consumers.values()) {
      const { inactive_threshold, deliver_subject } = consumer.config
      if (!inactive_threshold || deliver_subject || !contents.get(stream.name)?.progress.has(consumer.name)) continue
      const unusedMs = model.nowMs() - consumer.usedAtMs
      must(
        unusedMs < inactive_threshold / 1e6 + PATIENCE_MS,
        `consumer ${stream.name}/${consumer.name} is unused for ${unusedMs.toFixed(0)} ms, and is there`,
      )
    }
  }
}
