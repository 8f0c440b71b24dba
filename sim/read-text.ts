/** One stored message as the model describes it, brought into memory first when it is cold. */
import { MessageView } from '../packages/headwater/src/store/message-view.ts'
import { COLD, MISSING, type StreamLog } from '../packages/headwater/src/store/stream-log.ts'
import { describeMessage } from './store-model.ts'
import { must } from './trace.ts'

export async function readText(log: StreamLog, seq: number): Promise<string> {
  const view = new MessageView()
  let result = log.read(seq, view)
  if (result === COLD) {
    await log.load(seq)
    result = log.read(seq, view)
  }
  must(result !== MISSING && result !== COLD, `message ${seq} is counted and cannot be read`)
  return describeMessage({
    subject: view.subject,
    seconds: view.seconds,
    nanos: view.nanos,
    flags: view.flags,
    headersLength: view.headersLength,
    body: view.bytes.subarray(view.headersStart, view.end),
  })
}
