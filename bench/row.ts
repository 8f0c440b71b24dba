/** One line of the benchmark: what is measured, on which servers, and what we promise. */

import type { Sample } from './load/tasks.ts'
import type { LoadProcess } from './load-process.ts'
import type { ServerKind, ServerProcess } from './server-process.ts'

/** What a load is pointed at. */
export interface Target {
  port: number
  /** The sink: there is nothing behind the port but a counter of bytes. */
  bare: boolean
  /** Missing when `bare`. Restarting it in `prepare` is allowed. */
  server?: ServerProcess
}

export interface Row {
  /** For --only. */
  readonly name: string
  /** Rows that are asked for together, by --only too. */
  readonly group: string
  readonly title: string
  readonly kinds: readonly ServerKind[]
  /** The least ratio to each peer (rate: ours over theirs) that we promise. */
  readonly floors?: Partial<Record<ServerKind, number>>
  /** The sink that shows the load generator's ceiling; `native:` before the mode of the one in C. */
  readonly sink?: string
  /** There is no generator in Node for this row: without a C compiler it is left out. */
  readonly needsCompiler?: boolean
  /** Before each measurement, outside of its time. */
  prepare?(load: LoadProcess, target: Target): Promise<unknown>
  /** One measurement on a running server (or on the sink, when `bare`). */
  measure(load: LoadProcess, target: Target, seconds: number): Promise<Sample>
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
  const target: Target = { port: server.port, bare: false, server }
  await row.prepare?.(load, target)
  const before = server.cpuSeconds()
  const sample = await row.measure(load, target, seconds)
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
