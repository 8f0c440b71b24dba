/** What was measured, as tables: rates and ratios, latencies, and the numbers that a server has by itself. */
import type { RowResult, SoloResult } from './measure.ts'
import type { Measurement } from './row.ts'
import type { ServerKind } from './server-process.ts'
import { median, short, table } from './table.ts'

const PEERS: Record<Exclude<ServerKind, 'headwater'>, string> = { judge: 'default', 'judge-always': 'sync always' }

/** One line per row and peer. `~` marks a ratio below its floor. */
export function rateTable(results: readonly RowResult[]): string {
  const rows = results.flatMap(({ row, measurements, ceiling }) => {
    const ours = measurements.get('headwater') ?? []
    const limit = ceiling === undefined ? '-' : short(ceiling)
    const peers = (Object.keys(PEERS) as (keyof typeof PEERS)[]).filter((kind) => measurements.has(kind))
    if (peers.length === 0) return [[row.title, short(rate(ours)), 'no peer', '', '', '', '', limit]]
    return peers.map((kind) => {
      const theirs = measurements.get(kind) ?? []
      const ratio = rate(ours) / rate(theirs)
      const floor = row.floors?.[kind]
      const each = ours.map((one, round) => perSecond(one) / perSecond(theirs[round]))
      return [
        row.title,
        short(rate(ours)),
        `${short(rate(theirs))} (${PEERS[kind]})`,
        `${ratio.toFixed(2)}${floor !== undefined && ratio < floor ? ' ~' : ''}`,
        `${Math.min(...each).toFixed(2)} - ${Math.max(...each).toFixed(2)}`,
        floor === undefined ? '' : String(floor),
        `${nanos(ours)} : ${nanos(theirs)}`,
        limit,
      ]
    })
  })
  return table(
    ['row', 'Headwater /s', 'nats-server /s', 'ratio', 'spread', 'floor', 'CPU ns a message', 'generator /s'],
    rows,
  )
}

export function latencyTable(results: readonly RowResult[]): string | undefined {
  const rows = results.flatMap(({ row, measurements }) =>
    [...measurements].flatMap(([kind, list]) => {
      if (list[0]?.p50Us === undefined) return []
      return [[row.title, kind, micros(list, 'p50Us'), micros(list, 'p99Us')]]
    }),
  )
  return rows.length === 0 ? undefined : table(['row', 'server', 'p50 us', 'p99 us'], rows)
}

export function soloTable(results: readonly SoloResult[]): string {
  const rows = results.map(({ row, values }) => {
    const cell = (kind: ServerKind) => {
      const list = values.get(kind)
      return list === undefined ? '-' : `${median(list).toFixed(0)} ${row.unit}`
    }
    const over = row.ceiling !== undefined && median(values.get('headwater') ?? []) > row.ceiling
    return [
      row.title,
      cell('headwater') + (over ? ' ~' : ''),
      cell('judge'),
      row.ceiling === undefined ? '' : `${row.ceiling} ${row.unit}`,
    ]
  })
  return table(['', 'Headwater', 'nats-server', 'at most'], rows)
}

function perSecond(one: Measurement): number {
  return one.count / one.seconds
}

function rate(list: readonly Measurement[]): number {
  return median(list.map(perSecond))
}

function nanos(list: readonly Measurement[]): string {
  return short(median(list.map((one) => (one.cpuSeconds / one.count) * 1e9)))
}

function micros(list: readonly Measurement[], which: 'p50Us' | 'p99Us'): string {
  return median(list.map((one) => one[which] ?? Number.NaN)).toFixed(0)
}
