/** Users with passwords, or one token. */
import { PermissionSet, type Permissions } from '../permissions.ts'
import type { Authenticator, Credentials, Identity } from './authenticator.ts'
import { sameSecret } from './secrets.ts'

export interface UserPassword {
  readonly user: string
  readonly password: string
  /** Everything, when undefined. */
  readonly permissions?: Permissions
}

/** Checks a password against a stored hash; handed in by the server for bcrypt. */
export type HashVerifier = (password: string, hash: string) => boolean | Promise<boolean>

/**
 * Accepts the listed users. A stored password that starts with `$2` is a bcrypt hash and needs `verifyHash`.
 * With `noAuthUser`, who offers nothing at all is that user.
 */
export class UserPasswordAuthenticator implements Authenticator {
  readonly #users = new Map<string, { password: string; identity: Identity }>()
  readonly #verifyHash: HashVerifier | undefined
  readonly #noAuthUser: string | undefined

  constructor(users: readonly UserPassword[], options: { verifyHash?: HashVerifier; noAuthUser?: string } = {}) {
    for (const { user, password, permissions } of users) {
      const identity = permissions === undefined ? { user } : { user, permissions: new PermissionSet(permissions) }
      this.#users.set(user, { password, identity })
    }
    this.#verifyHash = options.verifyHash
    this.#noAuthUser = options.noAuthUser
  }

  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined> {
    const { user, pass } = credentials
    const offersNothing = user === '' && pass === '' && credentials.token === '' && credentials.nkey === ''
    if (offersNothing && this.#noAuthUser !== undefined) {
      return this.#users.get(this.#noAuthUser)?.identity ?? { user: this.#noAuthUser }
    }
    const known = this.#users.get(user)
    if (known?.password.startsWith('$2') && this.#verifyHash !== undefined) {
      const verdict = this.#verifyHash(pass, known.password)
      if (typeof verdict === 'boolean') return verdict ? known.identity : undefined
      return verdict.then((right) => (right ? known.identity : undefined))
    }
    // An unknown user costs the same comparison as a known one.
    const right = sameSecret(pass, known?.password ?? '')
    return right ? known?.identity : undefined
  }
}

/** Accepts whoever knows the token. */
export class TokenAuthenticator implements Authenticator {
  readonly #token: string

  constructor(token: string) {
    this.#token = token
  }

  authenticate(credentials: Credentials): Identity | undefined {
    return sameSecret(credentials.token, this.#token) ? { user: '' } : undefined
  }
}
