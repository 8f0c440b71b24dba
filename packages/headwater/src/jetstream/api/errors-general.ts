/** The official errors that belong to no one thing, one row each. */
import type { ApiErrorRow } from './errors.ts'

export const generalErrors = {
  accountResourcesExceeded: { code: 400, err_code: 10002, description: 'resource limits exceeded for account' },
  badRequest: { code: 400, err_code: 10003, description: 'bad request' },
  clusterRequired: { code: 503, err_code: 10010, description: 'JetStream clustering support required' },
  insufficientResources: { code: 503, err_code: 10023, description: 'insufficient resources' },
  invalidJSON: (err: string): ApiErrorRow => ({ code: 400, err_code: 10025, description: `invalid JSON: ${err}` }),
  noAccount: { code: 503, err_code: 10035, description: 'account not found' },
  noMessageFound: { code: 404, err_code: 10037, description: 'no message found' },
  notEmptyRequest: { code: 400, err_code: 10038, description: 'expected an empty request payload' },
  notEnabledForAccount: { code: 503, err_code: 10039, description: 'JetStream not enabled for account' },
  sequenceNotFound: (seq: number): ApiErrorRow => ({
    code: 400,
    err_code: 10043,
    description: `sequence ${seq} not found`,
  }),
  templateNameNotMatchSubject: {
    code: 400,
    err_code: 10073,
    description: 'template name in subject does not match request',
  },
  notEnabled: { code: 503, err_code: 10076, description: 'JetStream not enabled' },
  noLimits: { code: 400, err_code: 10120, description: 'no JetStream default or applicable tiered limit present' },
  replicasCountCannotBeNegative: { code: 400, err_code: 10133, description: 'replicas count cannot be negative' },
  pedantic: (err: string): ApiErrorRow => ({ code: 400, err_code: 10157, description: `pedantic mode: ${err}` }),
  requiredApiLevel: { code: 412, err_code: 10185, description: 'JetStream minimum api level required' },
}
