/** Five hundred small streams: created, asked for, listed and deleted, one request after the other on one connection. */
import { percentile, type Sample } from '../load/tasks.ts'
import { Api } from '../load/wire.ts'
import type { Row } from '../row.ts'

const STREAMS = 500
const names = Array.from({ length: STREAMS }, (_, index) => `small-${index}`)

export const manyStreams: Row = {
  name: 'streams',
  group: 'streams',
  title: '500 streams, all four',
  kinds: ['headwater', 'judge'],
  floors: { judge: 1 },
  async measure(_load, { port }) {
    const api = await Api.open(port)
    const parts: NonNullable<Sample['parts']> = {}
    const time = async (title: string, requests: Iterable<[string, object]>): Promise<unknown[]> => {
      const latenciesUs: number[] = []
      const replies: unknown[] = []
      const startMs = performance.now()
      let lastMs = startMs
      for (const [subject, body] of requests) {
        replies.push(await api.ask(subject, body))
        const now = performance.now()
        latenciesUs.push((now - lastMs) * 1000)
        lastMs = now
      }
      const seconds = (lastMs - startMs) / 1000
      parts[title] = {
        count: STREAMS,
        seconds,
        p50Us: percentile(latenciesUs, 0.5),
        p99Us: percentile(latenciesUs, 0.99),
      }
      return replies
    }
    await time(
      'streams created',
      names.map((name) => [`STREAM.CREATE.${name}`, { name, subjects: [`small.${name}.>`], storage: 'file' }]),
    )
    await time(
      'streams asked for (info)',
      names.map((name) => [`STREAM.INFO.${name}`, {}]),
    )
    const pages = (await time(
      'streams listed, in pages',
      [0, 256].map((offset) => ['STREAM.LIST', { offset }]),
    )) as { streams: unknown[]; total: number }[]
    const listed = pages.reduce((sum, page) => sum + page.streams.length, 0)
    if (listed !== STREAMS) throw new Error(`${listed} of ${STREAMS} streams listed`)
    await time(
      'streams deleted',
      names.map((name) => [`STREAM.DELETE.${name}`, {}]),
    )
    api.close()
    const seconds = Object.values(parts).reduce((sum, part) => sum + part.seconds, 0)
    return { count: STREAMS * 4, seconds, parts }
  },
}
