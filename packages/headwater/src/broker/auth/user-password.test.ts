import { describe, expect, it } from 'vitest'
import type { Credentials } from './authenticator.ts'
import { sameSecret } from './secrets.ts'
import { UserPasswordAuthenticator } from './user-password.ts'

const offer = (user: string, pass: string): Credentials => ({
  user,
  pass,
  token: '',
  nkey: '',
  jwt: '',
  sig: '',
  name: '',
  remoteAddress: '',
})

describe('UserPasswordAuthenticator', () => {
  it.each([true, false])('asks the verifier about a bcrypt hash (as a promise: %s)', async (isAsync) => {
    const asked: string[] = []
    const authenticator = new UserPasswordAuthenticator([{ user: 'ann', password: '$2b$10$hash' }], {
      verifyHash: (password, hash) => {
        asked.push(`${password} ${hash}`)
        const isRight = password === 'right'
        return isAsync ? Promise.resolve(isRight) : isRight
      },
    })
    expect(await authenticator.authenticate(offer('ann', 'right'))).toEqual({ user: 'ann' })
    expect(await authenticator.authenticate(offer('ann', '$2b$10$hash'))).toBeUndefined()
    expect(asked).toEqual(['right $2b$10$hash', '$2b$10$hash $2b$10$hash'])
  })

  it('knows nobody by an empty password', () => {
    const authenticator = new UserPasswordAuthenticator([{ user: 'ann', password: 'x' }])
    expect(authenticator.authenticate(offer('eve', ''))).toBeUndefined()
    expect(authenticator.authenticate(offer('__proto__', ''))).toBeUndefined()
  })
})

it('compares secrets of any length', () => {
  expect(sameSecret('a', 'a')).toBe(true)
  expect(sameSecret('', '')).toBe(true)
  expect(sameSecret('a', 'aa')).toBe(false)
  expect(sameSecret('é', 'e')).toBe(false)
})
