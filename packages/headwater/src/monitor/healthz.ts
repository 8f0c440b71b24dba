/** /healthz: whether the server does its work, as nats-server says it. Pure. */

/** An answer: the HTTP status and the body. */
export interface Health {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Asked with these, it would have to look at one stream or consumer; refused until it can. */
const LATER = ['account', 'stream', 'consumer']
const FLAGS = ['details', 'js-enabled-only', 'js-server-only', 'js-meta-only', 'js-enabled']

/** `troubles` are sentences; every flag of nats-server is accepted, and only `details` changes the answer here. */
export function healthz(troubles: readonly string[], query: URLSearchParams): Health {
  for (const name of LATER) {
    if (query.has(name)) return bad(`the health of one ${name} is not supported yet: leave ?${name} out`)
  }
  for (const name of FLAGS) {
    const value = query.get(name)
    if (value !== null && !/^(|1|0|t|f|true|false)$/i.test(value)) return bad(`${name} must be true or false`)
  }
  const status = troubles.length === 0 ? 200 : 503
  const word = troubles.length === 0 ? 'ok' : 'unavailable'
  if (/^(1|t|true)$/i.test(query.get('details') ?? '')) {
    const errors = troubles.map((error) => ({ type: 'JETSTREAM', error }))
    return { status, body: { status: word, status_code: status, ...(errors.length > 0 ? { errors } : {}) } }
  }
  return { status, body: { status: word, ...(troubles.length > 0 ? { error: troubles.join('; ') } : {}) } }
}

function bad(error: string): Health {
  return { status: 400, body: { status: 'error', error } }
}
