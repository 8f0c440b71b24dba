/** The error of a JetStream API call: its rows by name, and the exception that carries one through the engine. */
import { consumerErrors } from './errors-consumer.ts'
import { generalErrors } from './errors-general.ts'
import { publishErrors } from './errors-publish.ts'
import { replicationErrors } from './errors-replication.ts'
import { streamErrors } from './errors-stream.ts'

/** One official error, as it stands in a reply. Field order is the order on the wire. */
export interface ApiErrorRow {
  /** HTTP-like class of the error. */
  readonly code: number
  /** The error's own number: what clients compare. */
  readonly err_code: number
  readonly description: string
}

/** Every official error that one node can answer with; rows with a parameter are functions of it. */
export const apiErrors: typeof generalErrors &
  typeof streamErrors &
  typeof publishErrors &
  typeof consumerErrors &
  typeof replicationErrors = {
  ...generalErrors,
  ...streamErrors,
  ...publishErrors,
  ...consumerErrors,
  ...replicationErrors,
}

/** Thrown inside the engine when a call is refused; the router turns it into the reply. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly row: ApiErrorRow

  constructor(row: ApiErrorRow) {
    super(row.description)
    this.row = row
  }

  get code(): number {
    return this.row.code
  }

  get err_code(): number {
    return this.row.err_code
  }

  get description(): string {
    return this.row.description
  }
}
