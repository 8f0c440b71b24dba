/** The official errors of streams, snapshots and their limits, one row each. */
import type { ApiErrorRow } from './errors.ts'

export const streamErrors = {
  snapshotDeliverSubjectInvalid: { code: 400, err_code: 10015, description: 'deliver subject not valid' },
  maximumStreamsLimit: { code: 400, err_code: 10027, description: 'maximum number of streams reached' },
  memoryResourcesExceeded: { code: 500, err_code: 10028, description: 'insufficient memory resources available' },
  restoreSubscribeFailed: (subject: string, err: string): ApiErrorRow => ({
    code: 500,
    err_code: 10042,
    description: `JetStream unable to subscribe to restore snapshot ${subject}: ${err}`,
  }),
  storageResourcesExceeded: { code: 500, err_code: 10047, description: 'insufficient storage resources available' },
  streamAssignment: (err: string): ApiErrorRow => ({ code: 500, err_code: 10048, description: err }),
  streamCreate: (err: string): ApiErrorRow => ({ code: 500, err_code: 10049, description: err }),
  streamDelete: (err: string): ApiErrorRow => ({ code: 500, err_code: 10050, description: err }),
  streamGeneralError: (err: string): ApiErrorRow => ({ code: 500, err_code: 10051, description: err }),
  streamInvalidConfig: (err: string): ApiErrorRow => ({ code: 500, err_code: 10052, description: err }),
  streamLimits: (err: string): ApiErrorRow => ({ code: 500, err_code: 10053, description: err }),
  streamMismatch: { code: 400, err_code: 10056, description: 'stream name in subject does not match request' },
  streamMsgDeleteFailed: (err: string): ApiErrorRow => ({ code: 500, err_code: 10057, description: err }),
  streamNameExist: {
    code: 400,
    err_code: 10058,
    description: 'stream name already in use with a different configuration',
  },
  streamNotFound: { code: 404, err_code: 10059, description: 'stream not found' },
  streamReplicasNotUpdatable: { code: 400, err_code: 10061, description: 'Replicas configuration can not be updated' },
  streamRestore: (err: string): ApiErrorRow => ({ code: 500, err_code: 10062, description: `restore failed: ${err}` }),
  streamSequenceNotMatch: { code: 503, err_code: 10063, description: 'expected stream sequence does not match' },
  streamSnapshot: (err: string): ApiErrorRow => ({
    code: 500,
    err_code: 10064,
    description: `snapshot failed: ${err}`,
  }),
  streamSubjectOverlap: { code: 400, err_code: 10065, description: 'subjects overlap with an existing stream' },
  streamUpdate: (err: string): ApiErrorRow => ({ code: 500, err_code: 10069, description: err }),
  streamReplicasNotSupported: {
    code: 500,
    err_code: 10074,
    description: 'replicas > 1 not supported in non-clustered mode',
  },
  streamInvalid: { code: 500, err_code: 10096, description: 'stream not valid' },
  streamSealed: { code: 400, err_code: 10109, description: 'invalid operation on sealed stream' },
  streamPurgeFailed: (err: string): ApiErrorRow => ({ code: 500, err_code: 10110, description: err }),
  streamMaxBytesRequired: {
    code: 400,
    err_code: 10113,
    description: 'account requires a stream config to have max bytes set',
  },
  streamInfoMaxSubjects: { code: 500, err_code: 10117, description: 'subject details would exceed maximum allowed' },
  streamMaxStreamBytesExceeded: {
    code: 400,
    err_code: 10122,
    description: 'stream max bytes exceeds account limit max stream bytes',
  },
  streamNameContainsPathSeparators: {
    code: 400,
    err_code: 10128,
    description: 'Stream name can not contain path separators',
  },
  streamNameExistRestoreFailed: {
    code: 400,
    err_code: 10130,
    description: 'stream name already in use, cannot restore',
  },
}
