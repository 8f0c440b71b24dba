/** What applications on Headwater or NATS use, over the wire. */
export { DEAD_LETTER_KEY, DEAD_LETTER_ON_KEY, type DeadLetterEnd, withDeadLetter } from './dead-letter-config.ts'
export { type DeadLetterRelay, type DeadLetterRelayOptions, startDeadLetterRelay } from './dead-letter-relay.ts'
