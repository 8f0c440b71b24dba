/**
 * The JetStream API as a table: finds the row of a request, decodes its body, and sends what the row answers.
 * A reply leaves once everything that it tells is readable (design: Positions).
 */
import { headerValue } from '../../protocol/headers.ts'
import type { Store } from '../../store/store.ts'
import type { BusClient, Inbound, Subscription } from '../bus.ts'
import type { Environment } from '../environment.ts'
import { API_LEVEL } from './api-level.ts'
import { ApiError, type ApiErrorRow, apiErrors } from './errors.ts'
import { decodeJson, type ObjectShape } from './json-shape.ts'

/** What a row is handed. Strings and the decoded body may be kept; `raw` too (it is a copy). */
export interface ApiRequest {
  readonly subject: string
  /** What the wildcards of the row's pattern matched, in order; a `>` gives the whole rest as one string. */
  readonly tokens: readonly string[]
  /** The body, decoded by the row's shape; an object without fields when there is none. */
  readonly body: Readonly<Record<string, unknown>>
  readonly raw: Uint8Array
  readonly reply: string
  readonly client: BusClient | undefined
}

/** The fields of a successful reply, without `type`. */
export type ApiResponse = object

/**
 * What a request's body may be. `empty`: nothing, or an object without fields (else E10038). `ignored`: anything.
 * `json`: decoded, and may be empty. `some-json`: decoded, E10003 when empty. `object`: decoded only when it starts like JSON.
 */
export type BodyRule = 'empty' | 'ignored' | 'json' | 'some-json' | 'object'

/** One call of the API. */
export interface ApiRow {
  /** Below `$JS.API.`, with wildcards: `STREAM.CREATE.*`. */
  readonly pattern: string
  /** `stream_create` stands for `io.nats.jetstream.api.v1.stream_create_response`. */
  readonly type: string
  readonly body: BodyRule
  readonly shape?: ObjectShape
  /** Fields that an error reply carries besides the error. */
  readonly failure?: object
  /** True when it changes state: once the store failed, it is answered with an error instead of its result. */
  readonly changes?: boolean
  /** Answers, throws ApiError, or returns undefined when it answers by itself. Must not await between checking and changing. */
  handle(request: ApiRequest): ApiResponse | Promise<ApiResponse> | undefined
}

/** Told of every call, for the audit advisory. */
export type Audit = (request: ApiRequest, response: string) => void

const PREFIX = '$JS.API.'
/** Calls whose answer is still on its way (to disk, or from it); beyond, 429. Each may hold a large reply. */
const WAITING_MAX = 10_000
/** Groups in which an unknown call is answered (E10003). The others have subscriptions of their own or none (503). */
const ANSWERED_GROUPS = ['*', 'STREAM.>', 'META.>', 'SERVER.>', 'ACCOUNT.>', 'CONSUMER.*']
const encoder = new TextEncoder()
const decoder = new TextDecoder()

interface CompiledRow {
  readonly row: ApiRow
  readonly tokens: readonly string[]
}

export class ApiRouter {
  readonly #env: Environment
  readonly #store: Store
  readonly #audit: Audit
  readonly #groups = new Map<string, CompiledRow[]>()
  readonly #subscriptions: Subscription[] = []
  #total = 0
  #errors = 0
  #inflight = 0
  #waiting = 0

  constructor(env: Environment, store: Store, rows: readonly ApiRow[], audit: Audit) {
    this.#env = env
    this.#store = store
    this.#audit = audit
    const subjects = new Set(ANSWERED_GROUPS.map((group) => PREFIX + group))
    for (const row of rows) {
      const tokens = row.pattern.split('.')
      const key = groupOf(tokens)
      const group = this.#groups.get(key) ?? []
      group.push({ row, tokens })
      this.#groups.set(key, group)
      if (tokens[0] === 'CONSUMER' && tokens.length > 2) subjects.add(`${PREFIX}${tokens[0]}.${tokens[1]}.>`)
    }
    // Captured, so that the broker knows that the request has a receiver.
    for (const subject of subjects) {
      this.#subscriptions.push(env.bus.capture(subject, (message) => this.#receive(message)))
    }
  }

  /** Calls answered so far, and how many of them with an error. */
  get stats(): { readonly total: number; readonly errors: number; readonly inflight: number } {
    return { total: this.#total, errors: this.#errors, inflight: this.#inflight }
  }

  close(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe()
  }

  #receive(message: Inbound): undefined {
    const tokens = message.subject.slice(PREFIX.length).split('.')
    // A copy, also of a node Buffer, whose own slice would be a view: answers may come in a later turn.
    const raw = new Uint8Array(message.bytes.subarray(message.start + message.headersLength, message.end))
    const found = this.#find(tokens)
    const request = {
      subject: message.subject,
      tokens: found?.matched ?? [],
      body: {},
      raw,
      reply: message.reply,
      client: message.client,
    }
    const row = found?.row ?? unknownCall
    let answer: ApiResponse | Promise<ApiResponse> | undefined
    if (this.#waiting + this.#inflight >= WAITING_MAX) {
      this.#total++
      this.#errors++
      this.#send(request, errorText(row, apiErrors.streamTooManyRequests))
      return
    }
    try {
      checkLevel(message)
      request.body = readBody(row, raw)
      if (row.changes && this.#store.poisoned) throw new ApiError(apiErrors.insufficientResources)
      answer = row.handle(request)
    } catch (error) {
      this.#fail(request, row, error)
      return
    }
    if (answer === undefined) {
      this.#total++
      return
    }
    if (!(answer instanceof Promise)) {
      this.#succeed(request, row, answer)
      return
    }
    this.#inflight++
    answer
      .finally(() => this.#inflight--)
      .then(
        (response) => this.#succeed(request, row, response),
        (error) => this.#fail(request, row, error),
      )
  }

  #find(tokens: string[]): { row: ApiRow; matched: string[] } | undefined {
    for (const { row, tokens: pattern } of this.#groups.get(groupOf(tokens)) ?? []) {
      const matched = matchTokens(pattern, tokens)
      if (matched) return { row, matched }
    }
    return undefined
  }

  #succeed(request: ApiRequest, row: ApiRow, response: ApiResponse): void {
    this.#total++
    const text = JSON.stringify({ type: typeOf(row), ...response })
    this.#whenReadable(
      () => this.#send(request, text),
      () => {
        // What a read told is not on disk; it is still the best answer there is. A change did not happen.
        if (row.changes) this.#errors++
        this.#send(request, row.changes ? errorText(row, apiErrors.insufficientResources) : text)
      },
    )
  }

  #fail(request: ApiRequest, row: ApiRow, error: unknown): void {
    this.#total++
    this.#errors++
    if (!(error instanceof ApiError)) {
      this.#env.log.error({ error, subject: request.subject }, 'an API call failed inside the engine')
    }
    const told = error instanceof ApiError ? error.row : apiErrors.streamGeneralError(String(error))
    const send = (): void => this.#send(request, errorText(row, told))
    // An error tells of state too (not found, in use): it waits like any other answer.
    this.#whenReadable(send, send)
  }

  #whenReadable(readable: () => void, failed: () => void): void {
    this.#waiting++
    const after = (then: () => void) => (): void => {
      this.#waiting--
      then()
    }
    this.#store.whenReadable({ readable: after(readable), failed: after(failed) })
  }

  #send(request: ApiRequest, text: string): void {
    if (request.reply !== '') this.#env.bus.publish(request.reply, '', undefined, encoder.encode(text))
    this.#audit(request, text)
  }
}

const unknownCall: ApiRow = {
  pattern: '>',
  type: 'system',
  body: 'ignored',
  handle() {
    throw new ApiError(apiErrors.badRequest)
  },
}

function typeOf(row: ApiRow): string {
  return `io.nats.jetstream.api.v1.${row.type}_response`
}

function errorText(row: ApiRow, error: ApiErrorRow): string {
  return JSON.stringify({ type: typeOf(row), error, ...row.failure })
}

function groupOf(tokens: readonly string[]): string {
  return tokens.length > 1 ? `${tokens[0]}.${tokens[1]}` : tokens[0]
}

/** What the pattern's wildcards matched, or undefined. */
function matchTokens(pattern: readonly string[], tokens: readonly string[]): string[] | undefined {
  const matched: string[] = []
  for (let i = 0; i < pattern.length; i++) {
    if (i >= tokens.length) return undefined
    if (pattern[i] === '>') {
      matched.push(tokens.slice(i).join('.'))
      return matched
    }
    if (pattern[i] === '*') matched.push(tokens[i])
    else if (pattern[i] !== tokens[i]) return undefined
  }
  return pattern.length === tokens.length ? matched : undefined
}

function checkLevel(message: Inbound): void {
  if (message.headersLength === 0) return
  const level = headerValue(message.bytes, message.start, message.headersLength, 'Nats-Required-Api-Level')
  if (level === undefined) return
  if (!/^\d+$/.test(level) || Number(level) > API_LEVEL) throw new ApiError(apiErrors.requiredApiLevel)
}

/** Applies the row's rule for bodies; E10003, E10025 or E10038 when it is broken. */
function readBody(row: ApiRow, raw: Uint8Array): Record<string, unknown> {
  if (row.body === 'ignored') return {}
  const text = decoder.decode(raw)
  const empty = raw.length === 0 || /^\s*\{\s*\}\s*$/.test(text)
  switch (row.body) {
    case 'empty':
      if (!empty) throw new ApiError(apiErrors.notEmptyRequest)
      return {}
    case 'some-json':
      if (empty) throw new ApiError(apiErrors.badRequest)
      break
    case 'object':
      if (text[0] !== '{' && text[0] !== '[') return {}
      break
    case 'json':
      break
  }
  return decodeJson(text, row.shape ?? { goName: 'Request', fields: {} })
}
