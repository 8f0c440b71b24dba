/** Every -ERR that a client can get, one row each: the text on the wire, whether it closes, and the reason that monitoring shows. */

/** Why a connection was closed, as monitoring shows it. */
export type ClosedReason =
  | 'Client Closed'
  | 'Authentication Timeout'
  | 'Authentication Failure'
  | 'Slow Consumer (Pending Bytes)'
  | 'Slow Consumer (Write Deadline)'
  | 'Write Error'
  | 'Read Error'
  | 'Parse Error'
  | 'Stale Connection'
  | 'Protocol Violation'
  | 'Bad Client Protocol Version'
  | 'Maximum Connections Exceeded'
  | 'Maximum Message Payload Exceeded'
  | 'Maximum Control Line Exceeded'
  | 'Maximum Subscriptions Exceeded'
  | 'Server Shutdown'
  | 'Kicked'
  | 'No Responders Requires Headers'

/** One kind of refusal. */
export interface ProtocolError {
  /** What stands between the quotes of -ERR; undefined closes without a word. */
  readonly text: string | undefined
  /** The reason to close with; undefined keeps the connection open. */
  readonly closes: ClosedReason | undefined
}

function row(text: string | undefined, closes?: ClosedReason): ProtocolError {
  return { text, closes }
}

export const protocolErrors = {
  unknownOperation: row('Unknown Protocol Operation', 'Protocol Violation') as ProtocolError,
  /** Wrong number of arguments, sizes that are no sizes, CONNECT that is not JSON: closed without an answer, as NATS does. */
  badArguments: row(undefined, 'Protocol Violation') as ProtocolError,
  controlLineExceeded: row('maximum control line exceeded', 'Maximum Control Line Exceeded') as ProtocolError,
  payloadExceeded: row('Maximum Payload Violation', 'Maximum Message Payload Exceeded') as ProtocolError,
  authorizationViolation: row('Authorization Violation', 'Authentication Failure') as ProtocolError,
  authenticationTimeout: row('Authentication Timeout', 'Authentication Timeout') as ProtocolError,
  connectionsExceeded: row('maximum connections exceeded', 'Maximum Connections Exceeded') as ProtocolError,
  subscriptionsExceeded: row('maximum subscriptions exceeded') as ProtocolError,
  invalidClientProtocol: row('invalid client protocol', 'Bad Client Protocol Version') as ProtocolError,
  noRespondersRequiresHeaders: row(
    'no responders requires headers support',
    'No Responders Requires Headers',
  ) as ProtocolError,
  invalidSubject: row('Invalid Subject') as ProtocolError,
  invalidPublishSubject: row('Invalid Publish Subject') as ProtocolError,
  staleConnection: row('Stale Connection', 'Stale Connection') as ProtocolError,
  publishDenied: (subject: string): ProtocolError => row(`Permissions Violation for Publish to ${quote(subject)}`),
  replyDenied: (reply: string): ProtocolError => row(`Permissions Violation for Publish with Reply of ${quote(reply)}`),
  subscribeDenied: (subject: string, queue: string | undefined): ProtocolError =>
    row(
      `Permissions Violation for Subscription to ${quote(subject)}` +
        (queue === undefined ? '' : ` using queue ${quote(queue)}`),
    ),
} as const

/** In double quotes, with escapes for what would break the line. */
function quote(s: string): string {
  return JSON.stringify(s)
}
