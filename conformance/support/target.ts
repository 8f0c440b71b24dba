/** A target: something that can start servers which are to behave alike. */
import type { Address } from './address.ts'
import type { ServerOptions } from './server-options.ts'

export type TargetName = 'headwater' | 'judge'

export interface RunningServer extends Address {
  /** Stops it cleanly and starts it again on the same port and the same data. */
  restart(): Promise<void>
  /** Enters lame duck mode: clients are told, then closed. */
  lameDuck(): void
  /** Stops it and removes its data. */
  stop(): Promise<void>
}

export interface Target {
  readonly name: TargetName
  /** For reports: what it is, with its version. */
  readonly description: string
  start(options: ServerOptions): Promise<RunningServer>
}
