/** One line of the benchmark: what is measured, on which servers, and what we promise. */

import type { Sample } from './load/tasks.ts'
import type { LoadProcess } from './load-process.ts'
import type { ServerKind, ServerProcess } from './server-process.ts'

export interface Row {
  /** For --only. */
  readonly name: string
  readonly title: string
  readonly kinds: readonly ServerKind[]
  /** The least ratio to each peer (rate: ours over theirs) that we promise. */
  readonly floors?: Partial<Record<ServerKind, number>>
  /** The sink that shows the load generator's ceiling. */
  readonly sink?: string
  /** Before each measurement, outside of its time. */
  prepare?(load: LoadProcess, target: { port: number; bare: boolean }): Promise<unknown>
  /** One measurement on a running server (or on the sink, when `bare`). */
  measure(load: LoadProcess, target: { port: number; bare: boolean }, seconds: number): Promise<Sample>
}

/** Seconds in which the `count` messages were handled, and the processor time that the server took for them. */
export interface Measurement extends Sample {
  cpuSeconds: number
}

/** Measures `row` on one server and accounts for its processor time. */
export async function measureOn(
  row: Row,
  load: LoadProcess,
  server: ServerProcess,
  seconds: number,
): Promise<Measurement> {
  await row.prepare?.(load, { port: server.port, bare: false })
  const before = server.cpuSeconds()
  const sample = await row.measure(load, { port: server.port, bare: false }, seconds)
  return { ...sample, cpuSeconds: server.cpuSeconds() - before }
}

/** A number that each server has by itself, once per start: the lower the better. */
export interface SoloRow {
  readonly name: string
  readonly title: string
  readonly unit: 'ms' | 'MB'
  readonly kinds: readonly ServerKind[]
  /** The most that we promise. */
  readonly ceiling?: number
  measure(kind: ServerKind): Promise<number>
}
