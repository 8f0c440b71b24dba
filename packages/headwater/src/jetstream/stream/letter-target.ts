/** A stream as a place for dead letters: the append that bypasses what publishers must pass, and why it may be impossible now. */
import { FLAG_DEAD_LETTER } from '../../store/stream-log.ts'
import type { LetterTarget } from '../consumer/host.ts'
import { countedBytes, refusal } from './retention.ts'
import type { Stream, StreamSurroundings } from './stream.ts'

/** `target` as a consumer's dead letters see it. Dead letters, rules 8 and 9. */
export function letterTarget(target: Stream, surroundings: StreamSurroundings): LetterTarget {
  return {
    stream: target.name,
    storage: target.storage,
    maxMsgsPerSubject: target.config.max_msgs_per_subject,
    refuses(subject, bytes) {
      const { config, log } = target
      if (target.isClosed) return `stream ${target.name} is gone`
      if (config.sealed) return `stream ${target.name} is sealed`
      if (surroundings.store.poisoned) return 'the store failed'
      if (surroundings.store.full && log.storage === 'file') return 'the disk is full'
      if (config.retention === 'interest' && !target.hasInterest(subject)) {
        return `no consumer of ${target.name} wants ${subject}`
      }
      const counted = countedBytes(log.storage, subject.length, 0, bytes)
      if (surroundings.usage.exceeds(log.storage, counted)) return "the account's limit is reached"
      return refusal(config, {
        counts: log.state,
        bytes: counted,
        subjectMessages: log.subject(subject)?.messages ?? 0,
        // Unknown: a letter never pushes out another to make room for itself.
        oldestOfSubjectBytes: () => undefined,
        rollup: false,
      })
    },
    append(subject, bytes, headersLength) {
      const { log } = target
      const seq = log.append({ subject, bytes, start: 0, headersLength, end: bytes.length, flags: FLAG_DEAD_LETTER })
      target.publisher.lastMsgId = ''
      target.appended(seq, subject, undefined)
      return seq
    },
  }
}
