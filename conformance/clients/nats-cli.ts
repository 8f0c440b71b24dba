/** The official `nats` CLI, where it is installed beside the judge. */
import { spawn } from 'node:child_process'
import type { Case, Group } from '../support/case.ts'
import { expectEqual, expectMatch, expectTrue } from '../support/expectations.ts'
import { findJudge } from '../support/find-judge.ts'
import type { Trial } from '../support/trial.ts'

const cli = findJudge().cli

/** Runs the CLI; returns its output, throws what it said when it fails. */
function nats(t: Trial, ...args: string[]): Promise<string> {
  const child = spawn(cli ?? 'nats', ['--server', t.url, '--timeout', '5s', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', NATS_CONTEXT: '', HOME: '/nonexistent', XDG_CONFIG_HOME: '/nonexistent' },
  })
  let output = ''
  let problems = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (problems += text))
  t.defer(child, () => child.kill())
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve(output || problems)
        : reject(new Error(`nats ${args.join(' ')} ended with ${code}: ${problems}${output}`)),
    )
  })
}

const cases: readonly Case[] = [
  {
    name: 'stream add, info, ls, edit, purge, rm',
    async run(t) {
      await nats(t, 'stream', 'add', t.id, '--subjects', `${t.subject}.*`, '--defaults')
      const info = JSON.parse(await nats(t, 'stream', 'info', t.id, '--json'))
      t.observe('info', info)
      expectMatch(info.config, { name: t.id, subjects: [`${t.subject}.*`] })
      await nats(t, 'pub', `${t.subject}.a`, 'hello', '--count', '3')
      expectMatch(JSON.parse(await nats(t, 'stream', 'info', t.id, '--json')).state, { messages: 3 })
      expectTrue((await nats(t, 'stream', 'ls', '--names')).includes(t.id), 'listed')
      await nats(t, 'stream', 'edit', t.id, '--max-msgs', '2', '--force')
      expectMatch(JSON.parse(await nats(t, 'stream', 'info', t.id, '--json')), {
        config: { max_msgs: 2 },
        state: { messages: 2 },
      })
      expectMatch(await nats(t, 'stream', 'get', t.id, '3'), /hello/)
      await nats(t, 'stream', 'purge', t.id, '--force')
      await nats(t, 'stream', 'rm', t.id, '--force')
      expectMatch(
        await nats(t, 'stream', 'info', t.id, '--json').catch((error: Error) => error.message),
        /stream not found|could not pick a Stream/,
      )
    },
  },
  {
    name: 'stream report and subjects',
    async run(t) {
      await nats(t, 'stream', 'add', t.id, '--subjects', `${t.subject}.*`, '--defaults')
      await nats(t, 'pub', `${t.subject}.a`, 'hello')
      expectMatch(await nats(t, 'stream', 'report'), new RegExp(t.id))
      expectMatch(await nats(t, 'stream', 'subjects', t.id), new RegExp(`${t.subject}.a`))
    },
  },
  {
    name: 'consumer add, next, info, ls, rm',
    async run(t) {
      await nats(t, 'stream', 'add', t.id, '--subjects', t.subject, '--defaults')
      for (const body of ['one', 'two']) await nats(t, 'pub', t.subject, body)
      await nats(t, 'consumer', 'add', t.id, 'C', '--pull', '--ack', 'explicit', '--deliver', 'all', '--defaults')
      expectMatch(await nats(t, 'consumer', 'next', t.id, 'C', '--raw'), /one/)
      expectMatch(await nats(t, 'consumer', 'next', t.id, 'C', '--raw', '--no-ack'), /two/)
      const info = JSON.parse(await nats(t, 'consumer', 'info', t.id, 'C', '--json'))
      expectMatch(info, { num_ack_pending: 1, num_pending: 0 })
      t.observe('info', info)
      expectTrue((await nats(t, 'consumer', 'ls', t.id, '--names')).includes('C'), 'listed')
      expectMatch(await nats(t, 'consumer', 'report', t.id), /C/)
      await nats(t, 'consumer', 'rm', t.id, 'C', '--force')
    },
  },
  {
    name: 'request, reply and pub with headers',
    async run(t) {
      const nc = await t.client()
      nc.subscribe(t.subject, {
        callback: (_error, message) => void message.respond(`re: ${message.string()} ${message.headers?.get('A')}`),
      })
      await nc.flush()
      expectMatch(await nats(t, 'request', t.subject, 'hi', '-H', 'A:1', '--raw'), /re: hi 1/)
    },
  },
  {
    name: 'kv add, put, get, ls, del',
    async run(t) {
      await nats(t, 'kv', 'add', t.id, '--history', '3')
      await nats(t, 'kv', 'put', t.id, 'key', 'value')
      expectEqual((await nats(t, 'kv', 'get', t.id, 'key', '--raw')).trim(), 'value')
      expectMatch(await nats(t, 'kv', 'ls', t.id), /key/)
      await nats(t, 'kv', 'del', t.id, 'key', '--force')
      expectMatch(
        await nats(t, 'kv', 'get', t.id, 'key', '--raw').catch((error: Error) => error.message),
        /key not found/,
      )
    },
  },
  {
    name: 'object add, put, get, info',
    async run(t) {
      await nats(t, 'object', 'add', t.id)
      const file = process.execPath.length > 0 ? new URL(import.meta.url).pathname : ''
      await nats(t, 'object', 'put', t.id, file, '--name', 'file', '--force')
      expectMatch(await nats(t, 'object', 'ls', t.id), /file/)
      expectMatch(await nats(t, 'object', 'info', t.id, 'file'), /SHA-256|Digest/i)
    },
  },
  {
    name: 'bench: core, publish, fetch, ordered, key-value',
    async run(t) {
      const few = ['--msgs', '500', '--no-progress']
      // Created here: with --create the CLI asks for features of later versions.
      await nats(t, 'stream', 'add', t.id, '--subjects', t.subject, '--defaults')
      expectMatch(await nats(t, 'bench', 'pub', t.subject, ...few), /msgs\/sec/)
      expectMatch(await nats(t, 'bench', 'js', 'pub', 'sync', t.subject, '--stream', t.id, ...few), /msgs\/sec/)
      expectMatch(await nats(t, 'bench', 'js', 'pub', 'async', t.subject, '--stream', t.id, ...few), /msgs\/sec/)
      expectMatch(await nats(t, 'bench', 'js', 'fetch', '--stream', t.id, ...few), /msgs\/sec/)
      expectMatch(await nats(t, 'bench', 'js', 'ordered', '--stream', t.id, ...few), /msgs\/sec/)
    },
  },
  {
    name: 'sub hears what is published',
    async run(t) {
      await nats(t, 'stream', 'add', t.id, '--subjects', t.subject, '--defaults')
      const heard = nats(t, 'sub', t.subject, '--count', '1', '--raw')
      const nc = await t.client()
      let stop = false
      void heard.finally(() => (stop = true))
      while (!stop) {
        nc.publish(t.subject, 'heard')
        await nc.flush()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expectMatch(await heard, /heard/)
    },
  },
  {
    name: 'account info, and a round trip time',
    async run(t) {
      expectMatch(await nats(t, 'account', 'info'), /Streams/)
      expectMatch(await nats(t, 'rtt'), /127\.0\.0\.1/)
    },
  },
]

export const natsCli: Group = {
  name: 'clients/nats cli',
  cases: cli ? cases : [],
}
