/** Takes out of a reply what may differ between two servers that behave alike: times, ids, names, and the metadata that a newer version adds. */

const zeroTime = '0001-01-01T00:00:00Z'
const timeShape = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** The same value with times masked (the zero time stays), server names masked; version metadata is dropped. */
export function normalise(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return normaliseText(value, key)
  if (Array.isArray(value)) return value.map((item) => normalise(item))
  if (typeof value !== 'object' || value === null) return value
  const result: Record<string, unknown> = {}
  for (const [name, inner] of Object.entries(value)) {
    if (name === 'metadata') {
      const kept = Object.entries(inner as object).filter(([entry]) => !entry.startsWith('_nats.'))
      if (kept.length > 0) result[name] = Object.fromEntries(kept)
      continue
    }
    result[name] = normalise(inner, name)
  }
  return result
}

function normaliseText(text: string, key: string): string {
  if (timeShape.test(text)) return text === zeroTime ? text : '<time>'
  if (key === 'description')
    return text.replace(/^invalid JSON: (?!json: unknown field).*/s, 'invalid JSON: <words of the decoder>')
  if (key === 'leader') return '<server>'
  if (key === 'id' && /^[0-9A-Za-z]{22}$/.test(text)) return '<id>'
  return text
}

/** JSON with keys in order, so that equal values have equal texts. */
export function stable(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
