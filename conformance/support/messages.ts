/** A message as cases look at it: subject, reply, status, headers, body. */

export interface Message {
  readonly subject: string
  readonly reply: string
  /** 0 when the header block carries no status, or there is none. */
  readonly status: number
  readonly description: string
  readonly headers: readonly (readonly [string, string])[]
  readonly text: string
  readonly bytes: Buffer
}

export function headerOf(message: Message, key: string): string | undefined {
  return message.headers.find(([name]) => name === key)?.[1]
}

/** Reads `MSG`/`HMSG` into a message. */
export function toMessage(line: string, payload: Buffer): Message {
  const parts = line.split(' ')
  const withHeaders = parts[0].toUpperCase() === 'HMSG'
  const sizes = withHeaders ? 2 : 1
  const reply = parts.length - sizes === 4 ? parts[3] : ''
  const head = withHeaders ? Number(parts[parts.length - 2]) : 0
  const body = payload.subarray(head)
  const block = payload.toString('utf8', 0, head)
  const [first = '', ...rest] = block.split('\r\n')
  const status = /^NATS\/1\.0 (\d{3}) ?(.*)$/.exec(first)
  const headers = rest
    .filter((row) => row !== '')
    .map((row) => [row.slice(0, row.indexOf(':')), row.slice(row.indexOf(':') + 1).trim()] as const)
  return {
    subject: parts[1],
    reply,
    status: status ? Number(status[1]) : 0,
    description: status ? status[2].trim() : '',
    headers,
    text: body.toString('utf8'),
    bytes: Buffer.from(body),
  }
}

/** A message as one line that is the same on every run: times in ack subjects and headers are masked. */
export function describe(message: Message): string {
  const parts = [message.subject]
  if (message.reply) parts.push(`reply=${maskReply(message.reply)}`)
  if (message.status) parts.push(`status=${message.status} ${message.description}`)
  for (const [key, value] of message.headers) parts.push(`${key}=${key === 'Nats-Time-Stamp' ? '<time>' : value}`)
  parts.push(JSON.stringify(message.text))
  return parts.join(' ')
}

/** `$JS.ACK.S.C.1.2.3.<time>.0`: the seventh token of an ack subject is a time. */
export function maskReply(reply: string): string {
  const tokens = reply.split('.')
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length !== 9) return reply
  tokens[7] = '<time>'
  return tokens.join('.')
}
