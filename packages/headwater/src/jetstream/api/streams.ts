/** The API's calls about streams: create, update, names, list, info, delete, purge, and the refusals of what needs a cluster. */
import { isValidSubject, subjectsCollide } from '../../protocol/subject.ts'
import type { JetStream } from '../jetstream.ts'
import { purge } from '../stream/purge.ts'
import type { Stream } from '../stream/stream.ts'
import { type StreamConfigRequest, streamConfigShape } from '../stream/stream-config.ts'
import { streamInfo } from '../stream/stream-info.ts'
import { ApiError, apiErrors } from './errors.ts'
import type { ObjectShape } from './json-shape.ts'
import { LIST_PAGE, NAMES_PAGE, pageOf, SUBJECTS_PAGE } from './paging.ts'
import type { ApiRequest, ApiRow } from './router.ts'

const namesShape: ObjectShape = {
  goName: 'JSApiStreamNamesRequest.ApiPagedRequest',
  fields: { offset: 'int', subject: 'string' },
}
const listShape: ObjectShape = {
  goName: 'JSApiStreamListRequest.ApiPagedRequest',
  fields: { offset: 'int', subject: 'string' },
}
const infoShape: ObjectShape = {
  goName: 'JSApiStreamInfoRequest',
  fields: { offset: 'int', deleted_details: 'bool', subjects_filter: 'string' },
}
const purgeShape: ObjectShape = {
  goName: 'JSApiStreamPurgeRequest',
  fields: { seq: 'uint64', filter: 'string', keep: 'uint64' },
}

/** The rows of this file. */
export function streamRows(jetstream: JetStream): ApiRow[] {
  const info = (stream: Stream) => streamInfo(jetstream.env, stream)
  return [
    {
      pattern: 'STREAM.CREATE.*',
      type: 'stream_create',
      body: 'json',
      shape: streamConfigShape,
      changes: true,
      handle(request) {
        return { ...info(jetstream.createStream(configOf(request))), did_create: true }
      },
    },
    {
      pattern: 'STREAM.UPDATE.*',
      type: 'stream_update',
      body: 'json',
      shape: streamConfigShape,
      changes: true,
      handle({ tokens, body }) {
        return info(jetstream.updateStream(body as StreamConfigRequest, tokens[0]))
      },
    },
    {
      pattern: 'STREAM.NAMES',
      type: 'stream_names',
      body: 'object',
      shape: namesShape,
      failure: { total: 0, offset: 0, limit: 0, streams: null },
      handle({ body }) {
        const page = pageOf(matching(jetstream, body.subject), body.offset, NAMES_PAGE)
        const names = page.items.map((stream) => stream.name)
        return { ...without(page), streams: names.length > 0 ? names : null }
      },
    },
    {
      pattern: 'STREAM.LIST',
      type: 'stream_list',
      body: 'object',
      shape: listShape,
      failure: { total: 0, offset: 0, limit: 0, streams: [] },
      handle({ body }) {
        const page = pageOf(matching(jetstream, body.subject), body.offset, LIST_PAGE)
        return withFirstTimes(page.items, () => ({ ...without(page), streams: page.items.map(info) }))
      },
    },
    {
      pattern: 'STREAM.INFO.*',
      type: 'stream_info',
      body: 'object',
      shape: infoShape,
      failure: { total: 0, offset: 0, limit: 0 },
      handle(request) {
        const stream = jetstream.stream(request.tokens[0])
        return withFirstTimes(stream ? [stream] : [], () => describe(jetstream, request))
      },
    },
    {
      pattern: 'STREAM.DELETE.*',
      type: 'stream_delete',
      body: 'empty',
      changes: true,
      handle({ tokens }) {
        jetstream.deleteStream(tokens[0])
        return { success: true }
      },
    },
    {
      pattern: 'STREAM.PURGE.*',
      type: 'stream_purge',
      body: 'object',
      shape: purgeShape,
      failure: { purged: 0 },
      changes: true,
      handle({ tokens, body }) {
        const stream = jetstream.streamOrThrow(tokens[0])
        return { success: true, purged: purge(stream, body as { seq?: number; filter?: string; keep?: number }) }
      },
    },
    refused('STREAM.SNAPSHOT.*', 'stream_snapshot', () => apiErrors.streamSnapshot(NOT_YET)),
    refused('STREAM.RESTORE.*', 'stream_restore', () => apiErrors.streamRestore(NOT_YET)),
    refused('STREAM.PEER.REMOVE.*', 'stream_remove_peer', () => apiErrors.clusterRequired),
    refused('STREAM.LEADER.STEPDOWN.*', 'stream_leader_stepdown', () => apiErrors.clusterRequired),
    refused('STREAM.CANCEL_MOVE.*', 'stream_cancel_move', () => apiErrors.clusterRequired),
    refused('META.LEADER.STEPDOWN', 'meta_leader_stepdown', () => apiErrors.clusterRequired),
    refused('SERVER.REMOVE', 'meta_server_remove', () => apiErrors.clusterRequired),
  ]
}

const NOT_YET = 'not supported by Headwater yet'

function refused(pattern: string, type: string, row: () => ConstructorParameters<typeof ApiError>[0]): ApiRow {
  return {
    pattern,
    type,
    body: 'ignored',
    handle() {
      throw new ApiError(row())
    },
  }
}

function configOf({ tokens, body }: ApiRequest): StreamConfigRequest {
  if ((body.name ?? '') !== tokens[0]) throw new ApiError(apiErrors.streamMismatch)
  return body as StreamConfigRequest
}

/** The streams, sorted; with a subject, those that capture any of it. */
function matching(jetstream: JetStream, subject: unknown): Stream[] {
  const streams = jetstream.streams()
  if (typeof subject !== 'string' || subject === '') return streams
  if (!isValidSubject(subject)) return []
  return streams.filter(({ config }) => config.subjects.some((own) => subjectsCollide(own, subject)))
}

function without<T>(page: { total: number; offset: number; limit: number; items: T[] }): object {
  return { total: page.total, offset: page.offset, limit: page.limit }
}

function describe(jetstream: JetStream, { tokens, body }: ApiRequest): object {
  const stream = jetstream.streamOrThrow(tokens[0])
  const { ts, ...info } = streamInfo(jetstream.env, stream)
  let paging: object = { total: 0, offset: 0, limit: 0 }
  if (body.deleted_details && info.state.num_deleted) info.state.deleted = stream.log.deletedSeqs()
  if (body.subjects_filter) {
    const filter = stream.log.filter([body.subjects_filter as string])
    const page = pageOf(stream.log.subjects(filter), body.offset, SUBJECTS_PAGE)
    filter.close()
    if (page.items.length > 0) info.state.subjects = Object.fromEntries(page.items)
    // Unlike lists, which clamp it, this call echoes the offset that was asked for.
    if (page.total > 0) paging = { ...without(page), offset: Math.max(0, (body.offset as number | undefined) ?? 0) }
  }
  return { ...paging, ...info, cluster: { leader: jetstream.env.serverName }, ts }
}

/** `answer` at once, or when the oldest message of each stream was read from disk: its time is in the answer. */
function withFirstTimes<T>(streams: readonly Stream[], answer: () => T): T | Promise<T> {
  const coming = streams.map((stream) => stream.log.firstTimeRead()).filter((read) => read !== undefined)
  return coming.length === 0 ? answer() : Promise.all(coming).then(answer)
}
