/** A consumer in a test's hands: it wants what it is told to want, and notes what it hears. */
import type { HostedConsumer } from '../stream/hosted-consumer.ts'
import type { Stream } from '../stream/stream.ts'

/** Adds itself to its stream. Without `settle`, it needs every message that it wants. */
export class Listener implements HostedConsumer {
  readonly told: string[] = []
  readonly settledSeqs = new Set<number>()
  readonly name: string
  readonly #subjects: string[]

  constructor(stream: Stream, name: string, subjects: string[]) {
    this.name = name
    this.#subjects = subjects
    stream.addConsumer(this, stream.log.createConsumer('{}'))
  }

  wants(subject: string): boolean {
    return this.#subjects.includes(subject)
  }

  needs(seq: number): boolean {
    return !this.settledSeqs.has(seq)
  }

  wake(): void {}

  removed(seq: number, subject: string): void {
    this.told.push(`${seq} ${subject}`)
  }

  purgedBelow(seq: number): void {
    this.told.push(`below ${seq}`)
  }

  streamUpdated(): void {
    this.told.push('updated')
  }

  close(reason: string): void {
    this.told.push(reason)
  }

  /** Settles `seq` for itself and tells the stream. */
  settle(stream: Stream, seq: number): void {
    this.settledSeqs.add(seq)
    stream.settled(this.name, seq)
  }
}
