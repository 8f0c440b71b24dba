/** A message's time: whole seconds since the epoch and nanoseconds, both exact in a number. No BigInt per message. */

export interface Time {
  readonly seconds: number
  readonly nanos: number
}

/** No time: the zero value of the protocol, printed as year one. */
export const ZERO_TIME: Time = { seconds: 0, nanos: 0 }

/** From milliseconds with a fraction, as Clock.now() gives them. */
export function timeFromMs(ms: number): Time {
  const seconds = Math.floor(ms / 1000)
  const nanos = Math.min(999_999_999, Math.max(0, Math.round((ms - seconds * 1000) * 1e6)))
  return { seconds, nanos }
}

/** In milliseconds with a fraction (microseconds survive, single nanoseconds do not). */
export function timeToMs(time: Time): number {
  return time.seconds * 1000 + time.nanos / 1e6
}

/** Negative, zero or positive, as `a` is before, at or after `b`. */
export function compareTime(a: Time, b: Time): number {
  return a.seconds - b.seconds || a.nanos - b.nanos
}

/** As JetStream prints times: RFC 3339 in UTC, fraction without trailing zeros, the zero time as year one. */
export function formatTime(time: Time): string {
  if (time.seconds === 0 && time.nanos === 0) return '0001-01-01T00:00:00Z'
  const whole = new Date(time.seconds * 1000).toISOString().slice(0, 19)
  if (time.nanos === 0) return `${whole}Z`
  return `${whole}.${String(time.nanos).padStart(9, '0').replace(/0+$/, '')}Z`
}

/** Parses RFC 3339 with any offset and up to nine digits of fraction; undefined when it is not one. Year one is the zero time. */
export function parseTime(text: string): Time | undefined {
  const match = /^(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d\d:\d\d)$/.exec(text)
  if (!match) return undefined
  const ms = Date.parse(`${match[1].toUpperCase()}${match[3].toUpperCase()}`)
  if (Number.isNaN(ms)) return undefined
  if (match[1].startsWith('0001-01-01')) return ZERO_TIME
  return { seconds: Math.floor(ms / 1000), nanos: Number((match[2] ?? '').padEnd(9, '0')) }
}
