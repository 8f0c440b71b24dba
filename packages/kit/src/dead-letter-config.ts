/** Dead letters in a consumer's configuration, where the clients' types have no field for them. */

/** The metadata that names the subject of dead letters: kept by every NATS server and tool, acted on by Headwater and by the relay. */
export const DEAD_LETTER_KEY = 'headwater.dead_letter'
/** The metadata that says which ends make a letter; both when it is not there. */
export const DEAD_LETTER_ON_KEY = 'headwater.dead_letter.on'

/** How a message ends without being acknowledged: delivered too often, or terminated by its handler. */
export type DeadLetterEnd = 'max-deliver' | 'terminated'

/**
 * A consumer's configuration whose given-up messages become dead letters on `subject`, which a stream must capture.
 * `on` limits it to one of the two ends.
 *
 *   await jsm.consumers.add('ORDERS', withDeadLetter('orders.deadletter', { durable_name: 'worker', max_deliver: 5 }))
 */
export function withDeadLetter<Config extends object>(
  subject: string,
  config: Config,
  options: { readonly on?: DeadLetterEnd } = {},
): Config & { metadata: Record<string, string> } {
  const { metadata } = config as { metadata?: Record<string, string> }
  const on: Record<string, string> = options.on === undefined ? {} : { [DEAD_LETTER_ON_KEY]: options.on }
  return { ...config, metadata: { ...metadata, [DEAD_LETTER_KEY]: subject, ...on } }
}

/** What a consumer's metadata asks for: undefined without dead letters. */
export function deadLetterOf(
  metadata: Readonly<Record<string, string>> | undefined,
): { subject: string; on: DeadLetterEnd[] } | undefined {
  const subject = metadata?.[DEAD_LETTER_KEY]
  if (subject === undefined) return undefined
  const on = (metadata?.[DEAD_LETTER_ON_KEY] ?? 'max-deliver,terminated').split(',').map((word) => word.trim())
  return { subject, on: on as DeadLetterEnd[] }
}
