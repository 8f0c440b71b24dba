/** The protocol trace (`-V`): each piece of a connection as a log line, `<<-` in and `->>` out, cut where it gets long. */
import type { Logger } from '../base/log.ts'
import type { Tap } from './tap.ts'

const SHOWN_BYTES_MAX = 512

/** A tap that writes to `logger.trace`, one count for each connection. */
export function traceTo(logger: Logger): () => Tap {
  let connections = 0
  return () => {
    const connection = ++connections
    const say = (arrow: string, bytes: Buffer): void => {
      const cut = bytes.length > SHOWN_BYTES_MAX ? ` ... ${bytes.length} bytes` : ''
      const text = JSON.stringify(bytes.toString('latin1', 0, SHOWN_BYTES_MAX))
      // Secrets travel in CONNECT alone.
      logger.trace(
        { connection },
        `${arrow} ${text.replace(/(pass|auth_token|jwt|sig)(\\":\\")(?:(?!\\").)*/g, '$1$2[REDACTED]')}${cut}`,
      )
    }
    return { received: (bytes) => say('<<-', bytes), sent: (bytes) => say('->>', bytes) }
  }
}
