/** A logger that writes lines as nats-server does: `[pid] date time [LVL] text key=value`, to wherever it is told. */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'

const LEVELS = { error: 'ERR', warn: 'WRN', info: 'INF', debug: 'DBG', trace: 'TRC' } as const

/** Writes whole lines of `level` and what is more important; `write` gets them with their newline. */
export function lineLogger(level: keyof typeof LEVELS, clock: Clock, write: (line: string) => void): Logger {
  const order = Object.keys(LEVELS) as (keyof typeof LEVELS)[]
  const loud = order.slice(0, order.indexOf(level) + 1)
  const logger = {} as Record<keyof typeof LEVELS, Logger['info']>
  for (const one of order) {
    logger[one] = loud.includes(one)
      ? (fields, text) =>
          write(`[${process.pid}] ${timeText(clock.now())} [${LEVELS[one]}] ${text}${fieldsText(fields)}\n`)
      : () => {}
  }
  return logger
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replaceAll('-', '/').replace('T', ' ').replace('Z', '')
}

function fieldsText(fields: Record<string, unknown>): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${valueText(value)}`)
    .join('')
}

/** One line whatever a peer sent: control characters are escaped. */
function valueText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message)
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value))
  return /^[\w./:@-]+$/.test(text) ? text : typeof value === 'string' ? JSON.stringify(text) : text
}
