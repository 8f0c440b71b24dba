/** INFO: what the server says of itself, once at the start and again when something changed. */

export interface ServerInfo {
  readonly server_id: string
  readonly server_name: string
  /** The newest NATS version all of whose gated features we have; clients decide by it. */
  readonly version: string
  readonly proto: number
  /** Never read by clients, but NATS always sends it. */
  readonly go: string
  readonly host: string
  readonly port: number
  readonly headers: boolean
  readonly max_payload: number
  readonly jetstream?: boolean
  readonly auth_required?: boolean
  readonly tls_required?: boolean
  readonly tls_available?: boolean
  readonly client_id: number
  readonly client_ip?: string
  readonly connect_urls?: readonly string[]
  readonly ldm?: boolean
  readonly connect_info?: boolean
  readonly remote_account?: string
  /** Our own name and version, which `version` must not say. Clients ignore it. */
  readonly server_metadata?: Readonly<Record<string, string>>
}

/** The newest NATS version all of whose gated features we have. */
export const PROTOCOL_VERSION = '2.10.29'

/** One INFO line, with the blank before CR LF that NATS sends. */
export function encodeInfo(info: ServerInfo): string {
  return `INFO ${JSON.stringify(info)} \r\n`
}
