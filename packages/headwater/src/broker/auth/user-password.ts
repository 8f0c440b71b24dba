/** Users with passwords, or one token. */
import type { Authenticator, Credentials, Identity } from './authenticator.ts'
import { sameSecret } from './secrets.ts'

export interface UserPassword {
  readonly user: string
  readonly password: string
}

/** Checks a password against a stored hash; handed in by the server for bcrypt. */
export type HashVerifier = (password: string, hash: string) => boolean | Promise<boolean>

/**
 * Accepts the listed users. A stored password that starts with `$2` is a bcrypt hash and needs `verifyHash`.
 * With `noAuthUser`, who offers nothing at all is that user.
 */
export class UserPasswordAuthenticator implements Authenticator {
  readonly #users = new Map<string, string>()
  readonly #verifyHash: HashVerifier | undefined
  readonly #noAuthUser: string | undefined

  constructor(users: readonly UserPassword[], options: { verifyHash?: HashVerifier; noAuthUser?: string } = {}) {
    for (const { user, password } of users) this.#users.set(user, password)
    this.#verifyHash = options.verifyHash
    this.#noAuthUser = options.noAuthUser
  }

  authenticate(credentials: Credentials): Identity | undefined | Promise<Identity | undefined> {
    const { user, pass } = credentials
    const offersNothing = user === '' && pass === '' && credentials.token === '' && credentials.nkey === ''
    if (offersNothing && this.#noAuthUser !== undefined) return { user: this.#noAuthUser }
    const stored = this.#users.get(user)
    if (stored?.startsWith('$2') && this.#verifyHash !== undefined) {
      const verdict = this.#verifyHash(pass, stored)
      if (typeof verdict === 'boolean') return verdict ? { user } : undefined
      return verdict.then((right) => (right ? { user } : undefined))
    }
    // An unknown user costs the same comparison as a known one.
    const right = sameSecret(pass, stored ?? '')
    return right && stored !== undefined ? { user } : undefined
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
