/** The API's calls about consumers: create in its three forms, info, list, names, delete, and the refusals of what is not there. */
import { Consumer } from '../consumer/consumer.ts'
import { type ConsumerConfigRequest, createRequestShape } from '../consumer/consumer-config.ts'
import { type ConsumerInfo, consumerInfo } from '../consumer/consumer-info.ts'
import { type CreateRequest, createConsumer } from '../consumer/create-consumer.ts'
import type { JetStream } from '../jetstream.ts'
import type { Stream } from '../stream/stream.ts'
import { ApiError, apiErrors } from './errors.ts'
import type { ObjectShape } from './json-shape.ts'
import { LIST_PAGE, NAMES_PAGE, pageOf } from './paging.ts'
import type { ApiRequest, ApiRow } from './router.ts'

const pagedShape: ObjectShape = { goName: 'JSApiConsumersRequest', fields: { offset: 'int' } }
const nothingFound = { total: 0, offset: 0, limit: 0, consumers: [] }

/** The rows of this file. */
export function consumerRows(jetstream: JetStream): ApiRow[] {
  const createRow = (pattern: string, read: (request: ApiRequest) => Named): ApiRow => ({
    pattern,
    type: 'consumer_create',
    body: 'json',
    shape: createRequestShape,
    changes: true,
    handle: (request) => create(jetstream, request, read(request)),
  })
  return [
    createRow('CONSUMER.CREATE.*', unnamed),
    createRow('CONSUMER.CREATE.*.>', named),
    createRow('CONSUMER.DURABLE.CREATE.*.*', durable),
    createRow('CONSUMER.DURABLE.CREATE.>', () => {
      throw new ApiError(apiErrors.consumerDurableNameNotInSubject)
    }),
    {
      pattern: 'CONSUMER.INFO.*.*',
      type: 'consumer_info',
      body: 'empty',
      handle({ tokens }) {
        const { stream, consumer } = find(jetstream, tokens)
        return consumerInfo(jetstream.env, stream.name, consumer)
      },
    },
    {
      pattern: 'CONSUMER.NAMES.*',
      type: 'consumer_names',
      body: 'object',
      shape: pagedShape,
      failure: nothingFound,
      handle({ tokens, body }) {
        const { items, ...page } = pageOf(consumersOf(jetstream, tokens[0]), body.offset, NAMES_PAGE)
        return { ...page, consumers: items.map((consumer) => consumer.name) }
      },
    },
    {
      pattern: 'CONSUMER.LIST.*',
      type: 'consumer_list',
      body: 'object',
      shape: pagedShape,
      failure: nothingFound,
      handle({ tokens, body }) {
        const { items, ...page } = pageOf(consumersOf(jetstream, tokens[0]), body.offset, LIST_PAGE)
        return { ...page, consumers: items.map((consumer) => consumerInfo(jetstream.env, tokens[0], consumer)) }
      },
    },
    {
      pattern: 'CONSUMER.DELETE.*.*',
      type: 'consumer_delete',
      body: 'empty',
      changes: true,
      handle({ tokens }) {
        const { stream, consumer } = find(jetstream, tokens)
        stream.removeConsumer(consumer.name)
        return { success: true }
      },
    },
    unsupported('CONSUMER.PAUSE.*.*', 'consumer_pause', 'consumer pause'),
    unsupported('CONSUMER.RESET.*.*', 'consumer_reset', 'consumer reset'),
    unsupported('CONSUMER.UNPIN.*.*', 'consumer_unpin', 'consumer unpin'),
    {
      pattern: 'CONSUMER.LEADER.STEPDOWN.*.*',
      type: 'consumer_leader_stepdown',
      body: 'ignored',
      handle() {
        throw new ApiError(apiErrors.clusterRequired)
      },
    },
  ]
}

/** What the subject of a create call says. */
interface Named {
  readonly stream: string
  readonly config: ConsumerConfigRequest
}

function configOf(request: ApiRequest): ConsumerConfigRequest {
  return { ...(request.body.config as ConsumerConfigRequest | undefined) }
}

/** The old way: an ephemeral whose name is in the body, or chosen. */
function unnamed(request: ApiRequest): Named {
  const [stream] = request.tokens
  const config = configOf(request)
  checkStreamName(request, stream)
  checkName(config.name ?? '')
  if (config.durable_name) throw new ApiError(apiErrors.consumerEphemeralWithDurableName)
  return { stream, config }
}

/** The new way: `<stream>.<consumer>[.<filter>]`. */
function named(request: ApiRequest): Named {
  const [stream, rest] = request.tokens
  const dot = rest.indexOf('.')
  const name = dot < 0 ? rest : rest.slice(0, dot)
  const filter = dot < 0 ? '' : rest.slice(dot + 1)
  const config = configOf(request)
  checkStreamName(request, stream)
  checkName(name)
  if (config.durable_name && config.durable_name !== name) {
    throw new ApiError(apiErrors.consumerDurableNameNotMatchSubject)
  }
  if (filter && config.filter_subjects?.length) throw new ApiError(apiErrors.consumerMultipleFiltersNotAllowed)
  if (filter && config.filter_subject !== filter) throw new ApiError(apiErrors.consumerCreateFilterSubjectMismatch)
  return { stream, config: { ...config, name } }
}

/** The old way for durables. */
function durable(request: ApiRequest): Named {
  const [stream, name] = request.tokens
  const config = configOf(request)
  checkStreamName(request, stream)
  checkName(name)
  if (!config.durable_name) throw new ApiError(apiErrors.consumerDurableNameNotSet)
  if (config.durable_name !== name) throw new ApiError(apiErrors.consumerDurableNameNotMatchSubject)
  return { stream, config: { ...config, name } }
}

function checkStreamName(request: ApiRequest, stream: string): void {
  if ((request.body.stream_name ?? '') !== stream) throw new ApiError(apiErrors.streamMismatch)
}

function checkName(name: string): void {
  if (/[\\/]/.test(name)) throw new ApiError(apiErrors.consumerNameContainsPathSeparators)
}

function create(jetstream: JetStream, request: ApiRequest, { stream: name, config }: Named) {
  const action = (request.body.action ?? '') as CreateRequest['action']
  if (!['', 'create', 'update'].includes(action)) {
    throw new ApiError(apiErrors.invalidJSON(`unknown consumer action: ${JSON.stringify(action)}`))
  }
  const stream = jetstream.streamOrThrow(name)
  if (jetstream.store.poisoned) throw new ApiError(apiErrors.insufficientResources)
  const created = createConsumer(jetstream.env, stream, { config, action, pedantic: request.body.pedantic === true })
  // Shown as of now: what is delivered afterwards is not in it.
  const show = (consumer: Consumer): ConsumerInfo => consumerInfo(jetstream.env, name, consumer)
  return created instanceof Promise ? created.then(show) : show(created)
}

function find(jetstream: JetStream, tokens: readonly string[]): { stream: Stream; consumer: Consumer } {
  const stream = jetstream.streamOrThrow(tokens[0])
  const consumer = stream.consumer(tokens[1])
  if (!(consumer instanceof Consumer)) throw new ApiError(apiErrors.consumerNotFound)
  return { stream, consumer }
}

function consumersOf(jetstream: JetStream, name: string): Consumer[] {
  return jetstream
    .streamOrThrow(name)
    .consumers()
    .filter((consumer) => consumer instanceof Consumer)
}

function unsupported(pattern: string, type: string, what: string): ApiRow {
  return {
    pattern,
    type,
    body: 'ignored',
    handle() {
      throw new ApiError({ ...apiErrors.badRequest, description: `${what} is not supported by Headwater yet` })
    },
  }
}
