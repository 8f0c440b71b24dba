/** Decodes the JSON of API requests strictly against a shape, with the error texts that JetStream clients know. */
import { parseTime } from '../../base/time.ts'
import { ApiError, apiErrors } from './errors.ts'
import { jsonSyntaxError } from './json-syntax.ts'

/** What one field may hold. An object kind names its fields; `goName` is the type that error texts show. */
export type Kind =
  | 'string'
  | 'bool'
  | 'int'
  | 'int32'
  | 'int64'
  | 'uint64'
  /** Nanoseconds, a JSON number. */
  | 'duration'
  /** RFC 3339; handed on as the string. */
  | 'time'
  | 'any'
  | { readonly list: Kind }
  | { readonly map: Kind }
  /** A word; `refused` is the error's text for a foreign one (default: as Go's own decoders say it). */
  | { readonly words: readonly string[]; readonly refused?: string }
  | { readonly fields: Shape; readonly goName: string }

/** The fields of a JSON object by name; names are matched without regard to case, as Go does. */
export interface Shape {
  readonly [field: string]: Kind
}

/** An object shape together with the name under which errors mention it. */
export interface ObjectShape {
  readonly goName: string
  readonly fields: Shape
  /** Ignore unknown fields instead of refusing them. */
  readonly lenient?: boolean
}

/**
 * Parses `text` and checks it against `shape`. Null and absent fields are absent in the result; field names come out as
 * the shape spells them. Throws E10025. An empty text or `null` is an object without fields.
 */
export function decodeJson(text: string, shape: ObjectShape): Record<string, unknown> {
  if (text.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refused(jsonSyntaxError(text))
  }
  if (value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refused(`json: cannot unmarshal ${goKind(value)} into Go value of type server.${shape.goName.split('.')[0]}`)
  }
  return decodeObject(value as Record<string, unknown>, shape.fields, shape.goName, shape.lenient === true)
}

function refused(why: string): ApiError {
  return new ApiError(apiErrors.invalidJSON(why))
}

function decodeObject(
  value: Record<string, unknown>,
  fields: Shape,
  goName: string,
  lenient: boolean,
): Record<string, unknown> {
  const decoded: Record<string, unknown> = {}
  for (const [key, given] of Object.entries(value)) {
    const field = Object.hasOwn(fields, key) ? key : Object.keys(fields).find((name) => equalFold(name, key))
    if (field === undefined) {
      if (lenient) continue
      throw refused(`json: unknown field ${JSON.stringify(key)}`)
    }
    if (given === null) continue
    decoded[field] = decodeValue(given, fields[field], `${goName}.${field}`, lenient)
  }
  return decoded
}

function equalFold(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase()
}

function decodeValue(value: unknown, kind: Kind, place: string, lenient: boolean): unknown {
  if (typeof kind === 'string') return decodeScalar(value, kind, place)
  if ('list' in kind) {
    if (!Array.isArray(value)) throw mismatch(value, place, `[]${goType(kind.list)}`)
    // Go leaves the zero value for a null element.
    return value.map((item) => (item === null ? zeroOf(kind.list) : decodeValue(item, kind.list, place, lenient)))
  }
  if ('map' in kind) {
    if (typeof value !== 'object' || Array.isArray(value))
      throw mismatch(value, place, `map[string]${goType(kind.map)}`)
    const map: [string, unknown][] = Object.entries(value as object).map(([key, item]) => [
      key,
      item === null ? zeroOf(kind.map) : decodeValue(item, kind.map, place, lenient),
    ])
    return Object.fromEntries(map)
  }
  if ('words' in kind) {
    if (typeof value === 'string' && kind.words.includes(value)) return value
    throw refused(kind.refused ?? `can not unmarshal ${JSON.stringify(JSON.stringify(value))}`)
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw mismatch(value, place, `server.${kind.goName}`)
  const [struct, ...path] = place.split('.')
  const inner = kind.goName === '' ? struct : kind.goName
  return decodeObject(value as Record<string, unknown>, kind.fields, [inner, ...path].join('.'), lenient)
}

function decodeScalar(value: unknown, kind: Extract<Kind, string>, place: string): unknown {
  switch (kind) {
    case 'any':
      return value
    case 'string':
      if (typeof value !== 'string') throw mismatch(value, place, 'string')
      return value
    case 'bool':
      if (typeof value !== 'boolean') throw mismatch(value, place, 'bool')
      return value
    case 'time':
      if (typeof value !== 'string') throw refused('Time.UnmarshalJSON: input is not a JSON string')
      if (parseTime(value) === undefined) throw refused(`parsing time ${JSON.stringify(value)} as RFC 3339`)
      return value
    default: {
      if (typeof value !== 'number') throw mismatch(value, place, goType(kind))
      const unfit =
        !Number.isInteger(value) ||
        (kind === 'uint64' && value < 0) ||
        (kind === 'int32' && Math.abs(value) > 0x7fff_ffff) ||
        Math.abs(value) > 2 ** 64
      if (unfit)
        throw refused(`json: cannot unmarshal number ${value} into Go struct field ${place} of type ${goType(kind)}`)
      return value
    }
  }
}

function mismatch(value: unknown, place: string, wanted: string): ApiError {
  return refused(`json: cannot unmarshal ${goKind(value)} into Go struct field ${place} of type ${wanted}`)
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : typeof value
}

function goType(kind: Kind): string {
  if (typeof kind !== 'string') return 'fields' in kind ? `*server.${kind.goName}` : 'string'
  if (kind === 'duration') return 'time.Duration'
  return kind === 'time' ? 'time.Time' : kind
}

function zeroOf(kind: Kind): unknown {
  if (kind === 'string') return ''
  return kind === 'bool' ? false : typeof kind === 'string' ? 0 : {}
}
