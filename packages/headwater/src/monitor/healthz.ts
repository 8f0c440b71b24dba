/** /healthz: whether the server does its work, as nats-server says it. Pure. */

import type { Observed } from './snapshot.ts'

/** An answer: the HTTP status and the body. */
export interface Health {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** Asked with these, it would have to look at one stream or consumer; refused until it can. */
const LATER = ['account', 'stream', 'consumer']
const FLAGS = ['details', 'js-enabled-only', 'js-server-only', 'js-meta-only', 'js-enabled']

/** Every flag of nats-server is accepted; only `details` changes the answer here, and shows held dead letters too. */
export function healthz(observed: Pick<Observed, 'troubles' | 'held'>, query: URLSearchParams): Health {
  const troubles = observed.troubles()
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
    const held = observed.held()
    return {
      status,
      body: {
        status: word,
        status_code: status,
        ...(errors.length > 0 ? { errors } : {}),
        // Ours: they are no failure of the server, and nobody may miss them.
        ...(held.length > 0 ? { dead_letters_held: held } : {}),
      },
    }
  }
  return { status, body: { status: word, ...(troubles.length > 0 ? { error: troubles.join('; ') } : {}) } }
}

function bad(error: string): Health {
  return { status: 400, body: { status: 'error', error } }
}
