/** Who may connect: the port that CONNECT's credentials are held against. */
import type { PermissionSet } from '../permissions.ts'

/** What the client offers. */
export interface Credentials {
  readonly user: string
  readonly pass: string
  readonly token: string
  readonly nkey: string
  readonly jwt: string
  readonly sig: string
  /** The client's name and address: for decisions and logs. */
  readonly name: string
  readonly remoteAddress: string
}

/** Who it is. */
export interface Identity {
  /** Shown by monitoring and to the engine; '' for nobody in particular. */
  readonly user: string
  /** Everything may be published and subscribed, when undefined. */
  readonly permissions?: PermissionSet
}

/** Decides about credentials: an identity, or undefined to refuse. A promise pauses the connection until it is settled. */
export interface Authenticator {
  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined>
}
