/** What a client says of itself in CONNECT: parsed strictly where the type matters, leniently where a field is unknown. */

/** CONNECT's fields; those that were never sent have the protocol's defaults. */
export interface ConnectOptions {
  verbose: boolean
  pedantic: boolean
  echo: boolean
  headers: boolean
  no_responders: boolean
  tls_required: boolean
  protocol: number
  name: string
  lang: string
  version: string
  user: string
  pass: string
  auth_token: string
  nkey: string
  jwt: string
  sig: string
  /** Legacy; anything but '' is refused. */
  account: string
}

/** What holds for who never sent CONNECT: verbose and pedantic. */
export function defaultConnectOptions(): ConnectOptions {
  return {
    verbose: true,
    pedantic: true,
    echo: true,
    headers: false,
    no_responders: false,
    tls_required: false,
    protocol: 0,
    name: '',
    lang: '',
    version: '',
    user: '',
    pass: '',
    auth_token: '',
    nkey: '',
    jwt: '',
    sig: '',
    account: '',
  }
}

/**
 * `previous` with the fields that `json` has (a second CONNECT keeps what it does not name); field names match in any case.
 * Undefined when it is not a JSON object or a known field has the wrong type: the connection is closed then.
 */
export function parseConnect(json: string, previous: ConnectOptions): ConnectOptions | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(json)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
  const options: Record<string, unknown> = { ...previous }
  for (const [field, value] of Object.entries(parsed)) {
    const name = field.toLowerCase()
    if (value === null || !Object.hasOwn(options, name)) continue
    if (typeof value !== typeof options[name]) return undefined
    if (name === 'protocol' && !Number.isInteger(value)) return undefined
    options[name] = value
  }
  return options as unknown as ConnectOptions
}
