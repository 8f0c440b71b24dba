/** Logging as a port with pino's call shape, so that a pino logger fits as it is. The library itself is silent by default. */

type LogCall = (fields: Record<string, unknown>, text: string) => void

export interface Logger {
  error: LogCall
  warn: LogCall
  info: LogCall
  debug: LogCall
  trace: LogCall
}

const ignore: LogCall = () => {}

/** Says nothing. */
export const silentLogger: Logger = { error: ignore, warn: ignore, info: ignore, debug: ignore, trace: ignore }
