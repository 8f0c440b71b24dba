/** The official errors of mirrors, sources and transforms, one row each. */
import type { ApiErrorRow } from './errors.ts'

export const replicationErrors = {
  streamExternalApiOverlap: (prefix: string, subject: string): ApiErrorRow => ({
    code: 400,
    err_code: 10021,
    description: `stream external api prefix ${prefix} must not overlap with ${subject}`,
  }),
  streamExternalDelPrefixOverlaps: (prefix: string, subject: string): ApiErrorRow => ({
    code: 400,
    err_code: 10022,
    description: `stream external delivery prefix ${prefix} overlaps with stream subject ${subject}`,
  }),
  streamInvalidExternalDeliverySubj: (prefix: string): ApiErrorRow => ({
    code: 400,
    err_code: 10024,
    description: `stream external delivery prefix ${prefix} must not contain wildcards`,
  }),
  mirrorConsumerSetupFailed: (err: string): ApiErrorRow => ({ code: 500, err_code: 10029, description: err }),
  mirrorMaxMessageSizeTooBig: {
    code: 400,
    err_code: 10030,
    description: 'stream mirror must have max message size >= source',
  },
  mirrorWithSources: { code: 400, err_code: 10031, description: 'stream mirrors can not also contain other sources' },
  mirrorWithStartSeqAndTime: {
    code: 400,
    err_code: 10032,
    description: 'stream mirrors can not have both start seq and start time configured',
  },
  mirrorWithSubjectFilters: {
    code: 400,
    err_code: 10033,
    description: 'stream mirrors can not contain filtered subjects',
  },
  mirrorWithSubjects: { code: 400, err_code: 10034, description: 'stream mirrors can not contain subjects' },
  sourceConsumerSetupFailed: (err: string): ApiErrorRow => ({ code: 500, err_code: 10045, description: err }),
  sourceMaxMessageSizeTooBig: {
    code: 400,
    err_code: 10046,
    description: 'stream source must have max message size >= target',
  },
  streamMirrorNotUpdatable: {
    code: 400,
    err_code: 10055,
    description: 'stream mirror configuration can not be updated',
  },
  sourceDuplicateDetected: { code: 400, err_code: 10140, description: 'duplicate source configuration detected' },
  sourceInvalidStreamName: { code: 400, err_code: 10141, description: 'sourced stream name is invalid' },
  mirrorInvalidStreamName: { code: 400, err_code: 10142, description: 'mirrored stream name is invalid' },
  mirrorWithFirstSeq: {
    code: 400,
    err_code: 10143,
    description: 'stream mirrors can not have first sequence configured',
  },
  sourceMultipleFiltersNotAllowed: {
    code: 400,
    err_code: 10144,
    description: 'source with multiple subject transforms cannot also have a single subject filter',
  },
  sourceInvalidSubjectFilter: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10145,
    description: `source transform source: ${err}`,
  }),
  sourceInvalidTransformDestination: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10146,
    description: `source transform: ${err}`,
  }),
  sourceOverlappingSubjectFilters: { code: 400, err_code: 10147, description: 'source filters can not overlap' },
  mirrorMultipleFiltersNotAllowed: {
    code: 400,
    err_code: 10150,
    description: 'mirror with multiple subject transforms cannot also have a single subject filter',
  },
  mirrorInvalidSubjectFilter: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10151,
    description: `mirror transform source: ${err}`,
  }),
  mirrorOverlappingSubjectFilters: {
    code: 400,
    err_code: 10152,
    description: 'mirror subject filters can not overlap',
  },
  mirrorInvalidTransformDestination: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10154,
    description: `mirror transform: ${err}`,
  }),
  streamTransformInvalidSource: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10155,
    description: `stream transform source: ${err}`,
  }),
  streamTransformInvalidDestination: (err: string): ApiErrorRow => ({
    code: 400,
    err_code: 10156,
    description: `stream transform: ${err}`,
  }),
  mirrorWithCounters: { code: 400, err_code: 10173, description: 'stream mirrors can not also calculate counters' },
  mirrorWithMsgSchedules: { code: 400, err_code: 10186, description: 'stream mirrors can not also schedule messages' },
  sourceWithMsgSchedules: { code: 400, err_code: 10187, description: 'stream source can not also schedule messages' },
  mirrorWithAtomicPublish: {
    code: 400,
    err_code: 10198,
    description: 'stream mirrors can not also use atomic publishing',
  },
  mirrorWithBatchPublish: {
    code: 400,
    err_code: 10209,
    description: 'stream mirrors can not also use batch publishing',
  },
  mirrorDurableConsumerCfgInvalid: {
    code: 400,
    err_code: 10213,
    description: 'stream mirror consumer config is invalid',
  },
  mirrorConsumerRequiresAckFC: {
    code: 400,
    err_code: 10214,
    description: 'stream mirror consumer requires flow control ack policy',
  },
  sourceDurableConsumerCfgInvalid: {
    code: 400,
    err_code: 10215,
    description: 'stream source consumer config is invalid',
  },
  sourceDurableConsumerDuplicateDetected: {
    code: 400,
    err_code: 10216,
    description: 'duplicate stream source consumer detected',
  },
  sourceConsumerRequiresAckFC: {
    code: 400,
    err_code: 10217,
    description: 'stream source consumer requires flow control ack policy',
  },
}
