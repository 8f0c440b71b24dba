/** What the NestJS application is given by the run that it is part of. */
import type { Database } from '../database.ts'
import type { Progress } from '../progress.ts'

export interface Flow {
  servers: string[]
  database: Database
  progress: Progress
}

/** The token to inject it by. */
export const FLOW: symbol = Symbol('flow')
