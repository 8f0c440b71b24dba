/** What cases of consumer configurations begin with. */
import type { JetStreamCaller } from '../support/jetstream-caller.ts'
import type { Trial } from '../support/trial.ts'

export type Config = Record<string, unknown>
/** A configuration, or what makes it for a trial. */
export type Fields = Config | ((t: Trial) => Config)

/** The least a pull consumer says. */
export const pull: Config = { durable_name: 'C', ack_policy: 'explicit' }
/** The least a push consumer says. */
export const push: Config = { durable_name: 'C', ack_policy: 'explicit', deliver_subject: 'deliver.here' }

/** A stream that captures `<subject>.>`. */
export async function withStream(t: Trial, config: Config = {}): Promise<JetStreamCaller> {
  const js = await t.js()
  await js.stream({ name: t.id, subjects: [`${t.subject}.>`], ...config })
  return js
}

/** The fields themselves, or made for this trial. */
export function fieldsOf(t: Trial, fields: Fields): Config {
  return typeof fields === 'function' ? fields(t) : fields
}
