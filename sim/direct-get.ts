/** Direct gets of a client: what they show is a promise, and must be what was published. */
import type { SeededRandom } from '../packages/headwater/src/base/testing/seeded-random.ts'
import type { Clients } from './client.ts'
import type { Model, ModelStream } from './model.ts'
import { must } from './trace.ts'

interface World {
  readonly random: SeededRandom
  readonly model: Model
  readonly clients: Clients
  readonly count: (what: string) => void
  /** What a failed store shows is no promise. */
  readonly poisoned: () => boolean
}

/** Asks a stream for one message: by sequence, or the last of a subject in one of two ways. */
export function directGet({ random, model, clients, count, poisoned }: World, stream: ModelStream, tail: string): void {
  if (!stream.config.allow_direct) return
  const subject = `${stream.name}.${tail}`
  const seq = random.between(1, Math.max(1, stream.toldSeq + 1))
  const way = random.pick(['seq', 'last', 'subject'] as const)
  const body = way === 'seq' ? JSON.stringify({ seq }) : way === 'last' ? JSON.stringify({ last_by_subj: subject }) : ''
  const api = `$JS.API.DIRECT.GET.${stream.name}${way === 'subject' ? `.${subject}` : ''}`
  clients.request(api, '', body, (answer) => {
    if (typeof answer === 'string' || poisoned()) return
    const { headers, reply: payload } = answer
    if (/^NATS\/1.0 404/.test(headers)) {
      count('direct get: not found')
      return
    }
    const header = (key: string): string => new RegExp(`^${key}: *(.*?)\r$`, 'm').exec(headers)?.[1] ?? ''
    const found = Number(header('Nats-Sequence'))
    const name = `direct get of ${stream.name} by ${way}`
    must(found > 0, () => `${name} is answered with ${JSON.stringify(headers)}`)
    must(way !== 'seq' || found === seq, `${name}: message ${found} for ${seq}`)
    must(way === 'seq' || header('Nats-Subject') === subject, `${name}: ${header('Nats-Subject')} for ${subject}`)
    const publication = model.publicationOf(payload)
    must(
      publication?.born === stream.born && publication.body === payload,
      `${name}: message ${found} is not what was published to it`,
    )
    const bytes = publication.subject.length + payload.length + publication.headers.length + 34
    const stored = model.saw(stream, found, publication.subject, bytes, model.nowMs(), payload)
    must(stored.publication === publication, `${name}: message ${found} is p${publication.id}, and was another`)
    stored.promised = true
    stream.toldSeq = Math.max(stream.toldSeq, found)
    count('direct get: found')
  })
}
