/** Runs a row: every server in every round, in a new order each time, the first round thrown away. */
import { LoadProcess, SinkProcess } from './load-process.ts'
import { type Measurement, measureOn, type Row, type SoloRow } from './row.ts'
import { available, type ServerKind, ServerProcess } from './server-process.ts'

export interface Effort {
  /** Rounds that count. */
  rounds: number
  /** Length of one measurement. */
  seconds: number
  /** For a profile of ours: flags of Node. */
  nodeFlags: readonly string[]
}

export interface RowResult {
  row: Row
  /** By kind, one per round. */
  measurements: Map<ServerKind, Measurement[]>
  /** What the load generator reaches against a server that does nothing, per second. */
  ceiling: number | undefined
}

export async function measureRow(row: Row, effort: Effort): Promise<RowResult> {
  const kinds = row.kinds.filter(available)
  const load = new LoadProcess()
  const servers: ServerProcess[] = []
  const measurements = new Map<ServerKind, Measurement[]>(kinds.map((kind) => [kind, []]))
  try {
    for (const kind of kinds)
      servers.push(await ServerProcess.start(kind, kind === 'headwater' ? effort.nodeFlags : []))
    for (let round = 0; round <= effort.rounds; round++) {
      for (const index of shuffled(kinds.length)) {
        const measurement = await measureOn(row, load, servers[index], effort.seconds)
        if (round > 0) measurements.get(kinds[index])?.push(measurement)
      }
    }
    return { row, measurements, ceiling: row.sink ? await ceilingOf(row, row.sink, load, effort.seconds) : undefined }
  } finally {
    load.stop()
    for (const server of servers) await server.stop()
  }
}

/** A row with parts, as one result a part and the whole last. */
export function partsOf(result: RowResult): RowResult[] {
  const titles = Object.keys(result.measurements.get('headwater')?.[0]?.parts ?? {})
  const parts = titles.map((title): RowResult => {
    const measurements = new Map(
      [...result.measurements].map(([kind, list]): [ServerKind, Measurement[]] => [
        kind,
        list.map((one) => ({ ...(one.parts?.[title] as Measurement), cpuSeconds: Number.NaN })),
      ]),
    )
    return { row: { ...result.row, title, floors: {} }, measurements, ceiling: undefined }
  })
  return [...parts, result]
}

export interface SoloResult {
  row: SoloRow
  values: Map<ServerKind, number[]>
}

export async function measureSolo(row: SoloRow, effort: Effort): Promise<SoloResult> {
  const kinds = row.kinds.filter(available)
  const values = new Map<ServerKind, number[]>(kinds.map((kind) => [kind, []]))
  for (let round = 0; round <= effort.rounds; round++) {
    for (const index of shuffled(kinds.length)) {
      const value = await row.measure(kinds[index])
      if (round > 0) values.get(kinds[index])?.push(value)
    }
  }
  return { row, values }
}

async function ceilingOf(row: Row, mode: string, load: LoadProcess, seconds: number): Promise<number> {
  const sink = await SinkProcess.start(mode)
  try {
    let best = 0
    for (let round = 0; round < 3; round++) {
      const sample = await row.measure(load, { port: sink.port, bare: true }, seconds)
      best = Math.max(best, sample.count / sample.seconds)
    }
    return best
  } finally {
    sink.stop()
  }
}

/** A fixed order favours whoever runs after the same neighbour every time. */
function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    ;[order[last], order[other]] = [order[other], order[last]]
  }
  return order
}
