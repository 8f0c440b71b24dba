/** The engine of one account: its streams by name, what may be created, and the API that clients call. */
import { formatTime, timeFromMs } from '../base/time.ts'
import { isLiteral, subjectMatches, subjectsCollide } from '../protocol/subject.ts'
import type { Store } from '../store/store.ts'
import type { StreamLog } from '../store/stream-log.ts'
import { AccountUsage } from './account-usage.ts'
import { AUDIT_SUBJECT, apiAudit, emitAdvisory, streamAction } from './advisory/advisories.ts'
import { accountInfoRows } from './api/account-info.ts'
import { API_LEVEL } from './api/api-level.ts'
import { consumerRows } from './api/consumers.ts'
import { DirectGet } from './api/direct-get.ts'
import { ApiError, apiErrors } from './api/errors.ts'
import { messageRows } from './api/messages.ts'
import { ApiRouter } from './api/router.ts'
import { streamRows } from './api/streams.ts'
import type { Subscription } from './bus.ts'
import { AckRouter } from './consumer/ack-router.ts'
import { Consumer } from './consumer/consumer.ts'
import { recoverConsumers } from './consumer/create-consumer.ts'
import type { Environment } from './environment.ts'
import { rebuildDedupe } from './stream/dedupe-rebuild.ts'
import { type StoredStream, Stream, type StreamSurroundings } from './stream/stream.ts'
import { type StreamConfig, type StreamConfigRequest, sameConfig, withDefaults } from './stream/stream-config.ts'
import { checkConfig, checkPedantic, checkUpdate, sealedConfig } from './stream/stream-config-rules.ts'
import { UnservedStreams } from './stream/unserved-streams.ts'
import { checkConsumerLimits, checkDeadLetterTargets } from './stream/update-checks.ts'

/** The reply of the API's INFO call. */
export interface AccountInfo {
  readonly memory: number
  readonly storage: number
  readonly reserved_memory: number
  readonly reserved_storage: number
  readonly streams: number
  readonly consumers: number
  readonly limits: object
  readonly api: { readonly level: number; readonly total: number; readonly errors: number }
}

export class JetStream {
  readonly env: Environment
  readonly store: Store
  readonly usage: AccountUsage
  /** Resolves when everything that a start reads back is there (duplicate windows): serve clients after it. */
  readonly ready: Promise<void>
  readonly #streams = new Map<string, Stream>()
  readonly #directGets = new Map<string, DirectGet>()
  readonly #router: ApiRouter
  readonly #acks: Subscription
  readonly #surroundings: StreamSurroundings
  readonly #unserved: UnservedStreams

  private constructor(env: Environment, store: Store) {
    this.env = env
    this.store = store
    this.usage = new AccountUsage(env.limits, () => this.#streams.values())
    this.#surroundings = { env, store, usage: this.usage, capturing: (subject) => this.capturing(subject) }
    this.#unserved = new UnservedStreams(store.recovery.unserved)
    for (const log of store.streams()) this.#recover(log)
    const streams = [...this.#streams.values()]
    const consumers = streams.flatMap((stream) => recoverConsumers(env, stream, !store.recovery.clean))
    for (const stream of streams) this.#serve(stream)
    // Consumers begin last: a dead letter that is due goes to a stream that must be there, and a message that is consumed and
    // leaves must have its id in the duplicate window before.
    this.ready = Promise.all(streams.map((stream) => rebuildDedupe(env, stream))).then(() => {
      for (const consumer of consumers) consumer.open()
    })
    store.onRelieved = () => env.bus.releasePublishers()
    store.onPoisoned = (cause) => {
      env.log.error({ error: cause }, 'the store failed: nothing is acknowledged any more')
      for (const stream of this.#streams.values()) stream.publisher.failWaiting()
    }
    const rows = [...accountInfoRows(this), ...streamRows(this), ...messageRows(this), ...consumerRows(this)]
    this.#acks = env.bus.captureAcks(
      new AckRouter((stream, name) => {
        const consumer = this.#streams.get(stream)?.consumer(name)
        return consumer instanceof Consumer ? consumer : undefined
      }),
    )
    this.#router = new ApiRouter(env, store, rows, (request, response) => {
      if (!env.bus.hasInterest(AUDIT_SUBJECT)) return
      const body = new TextDecoder().decode(request.raw)
      emitAdvisory(env, apiAudit(env.serverName, request.client, request.subject, body, response))
    })
  }

  /** Rebuilds what `store` has and begins to serve. Await `ready` before clients are let in. */
  static open(env: Environment, store: Store): JetStream {
    return new JetStream(env, store)
  }

  /** Stops serving; the store stays open for whoever opened it. */
  close(): void {
    this.#router.close()
    this.#acks.unsubscribe()
    for (const direct of this.#directGets.values()) direct.close()
    for (const stream of this.#streams.values()) stream.close('shutdown')
    this.store.onRelieved = undefined
    this.store.onPoisoned = undefined
  }

  stream(name: string): Stream | undefined {
    return this.#streams.get(name)
  }

  /** The stream, or throws E10059. */
  streamOrThrow(name: string): Stream {
    const stream = this.#streams.get(name)
    if (!stream) throw new ApiError(apiErrors.streamNotFound)
    return stream
  }

  /** Sorted by name. */
  streams(): Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** The one stream that captures the literal `subject`. */
  capturing(subject: string): Stream | undefined {
    if (!isLiteral(subject)) return undefined
    for (const stream of this.#streams.values()) {
      if (stream.config.subjects.some((pattern) => subjectMatches(pattern, subject))) return stream
    }
    return undefined
  }

  /** Creates a stream, or finds the one with the same configuration. Throws ApiError. */
  createStream(given: StreamConfigRequest): Stream {
    if (/[\\/]/.test(given.name ?? '')) throw new ApiError(apiErrors.streamNameContainsPathSeparators)
    const config = withDefaults(given)
    checkConfig(config, { replicas: this.env.limits.replicas ?? 'refuse' })
    if (given.pedantic) checkPedantic(given, config)
    const existing = this.#streams.get(config.name)
    if (existing) {
      if (sameConfig(existing.config, config)) return existing
      throw new ApiError(apiErrors.streamNameExist)
    }
    if (config.sealed)
      throw new ApiError(apiErrors.streamInvalidConfig('stream configuration for create can not be sealed'))
    const { maxStreams } = this.env.limits
    if (maxStreams > 0 && this.#streams.size >= maxStreams) throw new ApiError(apiErrors.maximumStreamsLimit)
    this.#checkOverlap(config, undefined)
    this.#checkReservation(config, 0)
    const stored: StoredStream = { config, created: formatTime(timeFromMs(this.env.clock.now())) }
    const log = this.store.createStream({ storage: config.storage, config: JSON.stringify(stored) })
    if (config.first_seq !== undefined && config.first_seq > 1) log.skipTo(config.first_seq - 1)
    const stream = new Stream(this.#surroundings, log, stored)
    this.#streams.set(config.name, stream)
    this.#serve(stream)
    this.#announce(stream, 'create')
    return stream
  }

  /** Changes the configuration of the stream `name`. Throws ApiError. */
  updateStream(given: StreamConfigRequest, name: string = given.name ?? ''): Stream {
    if (given.mirror && this.#streams.has(name)) throw new ApiError(apiErrors.streamMirrorNotUpdatable)
    const config = sealedConfig(withDefaults(given))
    checkConfig(config, { replicas: this.env.limits.replicas ?? 'refuse' })
    if (config.name !== name) throw new ApiError(apiErrors.streamMismatch)
    const stream = this.streamOrThrow(name)
    if (given.pedantic) checkPedantic(given, config)
    checkUpdate(stream.config, config)
    checkConsumerLimits(stream, config)
    checkDeadLetterTargets(this.streams(), stream, config)
    this.#checkOverlap(config, stream)
    this.#checkReservation(config, Math.max(stream.config.max_bytes, 0))
    stream.update(config)
    this.#serveDirect(stream)
    this.#announce(stream, 'modify')
    return stream
  }

  /** Removes a stream with its messages and consumers. Throws E10059. */
  deleteStream(name: string): void {
    const stream = this.streamOrThrow(name)
    this.#streams.delete(name)
    this.#directGets.get(name)?.close()
    this.#directGets.delete(name)
    stream.close('deleted')
    this.store.deleteStream(stream.log)
    this.#announce(stream, 'delete')
  }

  accountInfo(): AccountInfo {
    const { env, usage } = this
    const streams = [...this.#streams.values()]
    const { total, errors } = this.#router.stats
    return {
      memory: usage.bytes('memory'),
      storage: usage.bytes('file'),
      reserved_memory: usage.reserved('memory'),
      reserved_storage: usage.reserved('file'),
      streams: streams.length,
      consumers: streams.reduce((sum, stream) => sum + stream.consumerCount, 0),
      limits: {
        max_memory: env.limits.maxMemoryBytes,
        max_storage: env.limits.maxStorageBytes,
        max_streams: env.limits.maxStreams,
        max_consumers: env.limits.maxConsumers,
        max_ack_pending: -1,
        memory_max_stream_bytes: -1,
        storage_max_stream_bytes: -1,
        max_bytes_required: false,
      },
      api: { level: API_LEVEL, total, errors },
    }
  }

  /** Once it is readable, and after the reply: a stream may well capture the advisory about itself. */
  #announce(stream: Stream, action: 'create' | 'modify' | 'delete'): void {
    this.env.turn.atEnd(() => stream.whenReadable(() => emitAdvisory(this.env, streamAction(stream.name, action))))
  }

  #recover(log: StreamLog): void {
    const stored = JSON.parse(log.config) as StoredStream
    const stream = new Stream(this.#surroundings, log, stored)
    this.#streams.set(stream.name, stream)
  }

  #serve(stream: Stream): void {
    stream.open()
    this.#serveDirect(stream)
  }

  #serveDirect(stream: Stream): void {
    const direct = this.#directGets.get(stream.name)
    if (stream.config.allow_direct === (direct !== undefined)) return
    if (direct) {
      direct.close()
      this.#directGets.delete(stream.name)
    } else {
      this.#directGets.set(stream.name, new DirectGet(this.env, this.store, stream))
    }
  }

  #checkOverlap(config: StreamConfig, self: Stream | undefined): void {
    this.#unserved.check(config)
    for (const other of this.#streams.values()) {
      if (other === self) continue
      for (const theirs of other.config.subjects) {
        if (config.subjects.some((ours) => subjectsCollide(ours, theirs))) {
          throw new ApiError(apiErrors.streamSubjectOverlap)
        }
      }
    }
  }

  /** max_bytes is a promise: it must fit beside what was promised before. */
  #checkReservation(config: StreamConfig, alreadyReserved: number): void {
    const limit = this.usage.limitOf(config.storage)
    if (limit < 0 || config.max_bytes <= 0) return
    if (this.usage.reserved(config.storage) - alreadyReserved + config.max_bytes <= limit) return
    throw new ApiError(
      config.storage === 'file' ? apiErrors.storageResourcesExceeded : apiErrors.memoryResourcesExceeded,
    )
  }
}
