/** A stored message as positions in the bytes that hold it: filled by `StreamLog.read`, reused, allocates nothing. */
import type { Time } from '../base/time.ts'

const NOTHING = new Uint8Array(0)

export class MessageView {
  seq = 0
  subject = ''
  seconds = 0
  nanos = 0
  flags = 0
  /** The bytes that hold the message; headers then payload lie in [headersStart, end). */
  bytes: Uint8Array = NOTHING
  /** The subject in UTF-8 is [subjectStart, subjectEnd). */
  subjectStart = 0
  subjectEnd = 0
  headersStart = 0
  payloadStart = 0
  end = 0

  get headersLength(): number {
    return this.payloadStart - this.headersStart
  }

  get payloadLength(): number {
    return this.end - this.payloadStart
  }

  /** The header block (empty when there is none). Shares memory. */
  headers(): Uint8Array {
    return this.bytes.subarray(this.headersStart, this.payloadStart)
  }

  /** Shares memory. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.payloadStart, this.end)
  }

  time(): Time {
    return { seconds: this.seconds, nanos: this.nanos }
  }
}
