/** What a case can ask of its server, and the same said to nats-server as a nats.conf. (Headwater's options: headwater-target.ts.) */

export interface ServerOptions {
  /** A server that no other case uses: for listings, counts and restarts. */
  readonly fresh?: boolean
  /** On unless false. */
  readonly jetstream?: boolean
  readonly user?: string
  readonly pass?: string
  readonly token?: string
  readonly users?: readonly { readonly user: string; readonly pass: string }[]
  readonly authTimeoutMs?: number
  readonly maxPayloadBytes?: number
  readonly maxControlLineBytes?: number
  readonly maxConnections?: number
  /** Per connection. */
  readonly maxSubscriptions?: number
  readonly maxPendingBytes?: number
  readonly writeDeadlineMs?: number
  readonly pingIntervalMs?: number
  readonly pingMax?: number
  readonly lameDuckDurationMs?: number
  readonly lameDuckGraceMs?: number
  readonly serverName?: string
}

/** The nats.conf that means the same. */
export function toNatsConf(options: ServerOptions, storeDir: string): string {
  const lines = ['host: "127.0.0.1"', 'port: -1']
  const put = (key: string, value: unknown) => {
    if (value !== undefined) lines.push(`${key}: ${value}`)
  }
  put('server_name', options.serverName === undefined ? undefined : JSON.stringify(options.serverName))
  put('max_payload', options.maxPayloadBytes)
  put('max_control_line', options.maxControlLineBytes)
  put('max_connections', options.maxConnections)
  put('max_subscriptions', options.maxSubscriptions)
  put('max_pending', options.maxPendingBytes)
  put('write_deadline', duration(options.writeDeadlineMs))
  put('ping_interval', duration(options.pingIntervalMs))
  put('ping_max', options.pingMax)
  put('lame_duck_duration', duration(options.lameDuckDurationMs))
  put('lame_duck_grace_period', duration(options.lameDuckGraceMs))
  const auth: string[] = []
  if (options.user !== undefined)
    auth.push(`user: ${JSON.stringify(options.user)}, password: ${JSON.stringify(options.pass)}`)
  if (options.token !== undefined) auth.push(`token: ${JSON.stringify(options.token)}`)
  if (options.users) {
    const rows = options.users.map(
      ({ user, pass }) => `{user: ${JSON.stringify(user)}, password: ${JSON.stringify(pass)}}`,
    )
    auth.push(`users: [${rows.join(', ')}]`)
  }
  if (options.authTimeoutMs !== undefined) auth.push(`timeout: ${options.authTimeoutMs / 1000}`)
  if (auth.length > 0) lines.push(`authorization: {${auth.join(', ')}}`)
  if (options.jetstream !== false) lines.push(`jetstream: {store_dir: ${JSON.stringify(storeDir)}}`)
  return `${lines.join('\n')}\n`
}

function duration(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `"${ms}ms"`
}
