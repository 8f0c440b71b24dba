/** What a check says of a data folder: findings, each with its place and what is lost. */

/** `lost`: something is gone. `mendable`: nothing is lost, a start makes it good. `note`: not damage. */
export type Severity = 'lost' | 'mendable' | 'note'

/** One place that is not as it should be. */
export interface Finding {
  readonly severity: Severity
  readonly file: string
  /** The byte; absent when the whole file is meant. */
  readonly offset?: number
  /** The stream's name, or `streams/12` when its name cannot be read. */
  readonly stream?: string
  /** First and last sequence that may be lost. */
  readonly sequences?: readonly [first: number, last: number]
  /** What is wrong, as a sentence without the place. */
  readonly what: string
  /** What is lost, as a sentence. */
  readonly lost: string
}

/** What a check read, and found. */
export interface CheckReport {
  readonly folder: string
  /** False when anything is lost or mendable. */
  readonly fine: boolean
  /** Whether a server starts on this folder. */
  readonly starts: boolean
  readonly files: number
  readonly bytes: number
  readonly frames: number
  readonly records: number
  readonly streams: number
  readonly messages: number
  readonly findings: readonly Finding[]
}

/** Told before each file; for a line of progress. */
export type OnFile = (path: string) => void
