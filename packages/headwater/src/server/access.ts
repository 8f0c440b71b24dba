/** Who may connect: from the options to the broker's authenticator, with one more user for connections made inside the process. */
import type { Random } from '../base/random.ts'
import type { Authenticator } from '../broker/auth/authenticator.ts'
import { TokenAuthenticator, UserPasswordAuthenticator } from '../broker/auth/user-password.ts'
import type { Settings } from './options.ts'

/** What a client presents; nothing on an open server. */
export interface ClientCredentials {
  readonly user?: string
  readonly pass?: string
  readonly token?: string
}

/** The name of the user that `hw.connect()` authenticates as, where users are asked for. */
const INTERNAL_USER = 'headwater-internal'

/** The authenticator (undefined: everybody may connect), and what `hw.connect()` presents to it. */
export function accessOf(
  settings: Settings,
  random: Random,
): { authenticator: Authenticator | undefined; internal: ClientCredentials } {
  if (settings.token !== undefined) {
    return { authenticator: new TokenAuthenticator(settings.token), internal: { token: settings.token } }
  }
  if (settings.users === undefined) return { authenticator: undefined, internal: {} }
  // Nobody else ever learns this password.
  const pass = Buffer.from(random.bytes(32)).toString('base64url')
  const users = [...settings.users, { user: INTERNAL_USER, pass }]
  return {
    authenticator: new UserPasswordAuthenticator(users.map((one) => ({ user: one.user, password: one.pass }))),
    internal: { user: INTERNAL_USER, pass },
  }
}
