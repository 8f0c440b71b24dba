/** User and password, users, token: who gets in, and what the others are told. */
import type { Group } from '../support/case.ts'
import { expectEqual, expectMatch } from '../support/expectations.ts'

const one = { user: 'ada', pass: 'lovelace' }
const many = {
  users: [
    { user: 'ada', pass: 'lovelace' },
    { user: 'grace', pass: 'hopper' },
  ],
}
const token = { token: 's3cr3t-token' }

export const auth: Group = {
  name: 'core/auth',
  cases: [
    {
      name: 'INFO says auth_required',
      server: one,
      async run(t) {
        expectEqual((await t.rawOpen()).info.auth_required, true)
      },
    },
    {
      name: 'the right user and password',
      server: one,
      async run(t) {
        const c = await t.raw(one)
        c.send(`SUB ${t.subject} 1`)
        c.send(`PUB ${t.subject} 2`, 'hi')
        await c.expect(`MSG ${t.subject} 1 2`, 'hi')
      },
    },
    ...(
      [
        ['a wrong password', { user: 'ada', pass: 'byron' }],
        ['a wrong user', { user: 'bob', pass: 'lovelace' }],
        ['no credentials', {}],
        ['a password that is longer', { user: 'ada', pass: 'lovelace1' }],
        ['an empty password', { user: 'ada', pass: '' }],
        ['a token instead', { auth_token: 'lovelace' }],
      ] as const
    ).map(([name, credentials]) => ({
      name: `${name} is an authorization violation, and closes`,
      server: one,
      async run(t: import('../support/trial.ts').Trial) {
        const c = await t.rawOpen()
        c.connect(credentials)
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    })),
    {
      name: 'before CONNECT other operations are an authorization violation',
      server: one,
      async run(t) {
        const c = await t.rawOpen()
        c.send('PING')
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'the right token',
      server: token,
      async run(t) {
        const c = await t.raw({ auth_token: 's3cr3t-token' })
        await c.expectQuiet()
      },
    },
    {
      name: 'a wrong token',
      server: token,
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ auth_token: 'other' })
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'a user and password where a token is asked for',
      server: token,
      async run(t) {
        const c = await t.rawOpen()
        c.connect({ user: 'ada', pass: 's3cr3t-token' })
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'several users, each with an own password',
      server: many,
      async run(t) {
        await (await t.raw({ user: 'ada', pass: 'lovelace' })).expectQuiet()
        await (await t.raw({ user: 'grace', pass: 'hopper' })).expectQuiet()
        const c = await t.rawOpen()
        c.connect({ user: 'grace', pass: 'lovelace' })
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'a second CONNECT with wrong credentials closes',
      server: one,
      async run(t) {
        const c = await t.raw(one)
        c.connect({ user: 'ada', pass: 'wrong' })
        await c.expect(`-ERR 'Authorization Violation'`)
        await c.expectClosed()
      },
    },
    {
      name: 'a connection that never sends CONNECT times out',
      server: { ...one, authTimeoutMs: 250 },
      async run(t) {
        const c = await t.rawOpen()
        await c.expect(`-ERR 'Authentication Timeout'`)
        await c.expectClosed()
      },
    },
    {
      name: 'an official client with credentials, and one without',
      server: one,
      async run(t) {
        const nc = await t.client(one)
        await nc.flush()
        const refused = await t.client({ maxReconnectAttempts: 0 }).catch((error: Error) => error)
        expectMatch(refused instanceof Error ? refused.constructor.name : 'connected', /AuthorizationError/)
      },
    },
    {
      name: 'JetStream works for a user',
      server: one,
      async run(t) {
        const js = new (await import('../support/jetstream-caller.ts')).JetStreamCaller(await t.caller(one), t)
        await js.stream({ name: t.id, subjects: [t.subject], storage: 'memory' })
        expectMatch(await js.publishOk(t.subject, 'x'), { stream: t.id, seq: 1 })
      },
    },
  ],
}
