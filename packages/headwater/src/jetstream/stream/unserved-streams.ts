/**
 * Streams that are damaged and not served: their names and subjects stay theirs until somebody has looked. Otherwise an
 * application that makes its streams at its start would go on in an empty one, and nobody would miss the old one.
 */
import { subjectsCollide } from '../../protocol/subject.ts'
import { ApiError, apiErrors } from '../api/errors.ts'
import type { StoredStream } from './stream.ts'
import type { StreamConfig } from './stream-config.ts'

const NEXT_STEP = 'headwater check DIR says what is lost, and --repair TO saves the rest'

export class UnservedStreams {
  readonly #known: { name: string; subjects: string[] }[]

  /** `configs` as the store found them: they may be no configurations at all. */
  constructor(configs: readonly string[]) {
    this.#known = configs.flatMap((text) => identityOf(text) ?? [])
  }

  /** Throws E10049 when a stream with this configuration would take the place of one that is not served. */
  check({ name, subjects }: StreamConfig): void {
    for (const known of this.#known) {
      if (known.name === name) {
        throw new ApiError(apiErrors.streamCreate(`stream ${name} is damaged and not served: ${NEXT_STEP}`))
      }
      if (subjects.some((ours) => known.subjects.some((theirs) => subjectsCollide(ours, theirs)))) {
        const text = `subjects overlap with stream ${known.name}, which is damaged and not served: ${NEXT_STEP}`
        throw new ApiError(apiErrors.streamCreate(text))
      }
    }
  }
}

/** It may come out of a damaged file: every field is looked at. */
function identityOf(text: string): { name: string; subjects: string[] } | undefined {
  try {
    const { config } = JSON.parse(text) as Partial<StoredStream>
    if (typeof config?.name !== 'string') return undefined
    const subjects: unknown[] = Array.isArray(config.subjects) ? config.subjects : []
    return { name: config.name, subjects: subjects.filter((subject) => typeof subject === 'string') }
  } catch {
    return undefined
  }
}
