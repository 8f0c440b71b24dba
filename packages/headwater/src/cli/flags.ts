/** From the command line to options: nats-server's flags, single or double dash, `-p 4222` or `-p=4222`. Pure. */

import { OPTIONS } from '../server/option-table.ts'
import type { HeadwaterOptions } from '../server/options.ts'
import { type CheckCommand, checkCommandOf } from './check-flags.ts'
import { OTHER_FLAGS, REFUSED_FLAGS, VERBS } from './flag-table.ts'

/** What the command line asks for. */
export type Command =
  | { readonly what: 'help' | 'version' }
  | CheckCommand
  | { readonly what: 'wrong'; readonly message: string; readonly hint: string }
  | {
      readonly what: 'serve'
      readonly options: HeadwaterOptions
      readonly pidFile: string | undefined
      readonly logLevel: 'info' | 'debug' | 'trace'
    }

const DEFAULTS: HeadwaterOptions = { port: 4222, data: './headwater-data' }
const SEE_HELP = 'headwater --help shows every flag.'

/** Reads the arguments after the program's name. Never throws: what is wrong is a command of its own. */
export function commandOf(args: readonly string[]): Command {
  if (args[0] === 'check') return checkCommandOf(args.slice(1))
  const values = new Map<string, string | true>()
  const known = flagsByName()
  for (let at = 0; at < args.length; at++) {
    const given = /^--?([^=]+)(?:=(.*))?$/s.exec(args[at])
    if (!given) {
      const verb = args[at]
      if (verb === 'help' || verb === 'version') return { what: verb }
      if (verb === 'serve') continue
      if (verb === 'check') return wrong('check comes first', 'headwater check DIR')
      return wrong(
        VERBS[verb] ?? `${JSON.stringify(verb)} is not a command`,
        'Run headwater with flags alone to serve; the other command is headwater check.',
      )
    }
    const [, name, inline] = given
    const flag = known.get(name)
    if (!flag) {
      const refused = REFUSED_FLAGS.find((row) => row.names.includes(name))
      return refused
        ? wrong(`${args[at].split('=')[0]} is a flag of nats-server that is not supported here`, refused.instead)
        : wrong(`${args[at].split('=')[0]} is not a flag`, SEE_HELP)
    }
    if (flag.value === undefined) {
      if (inline !== undefined && !/^(true|false)$/.test(inline)) return wrong(`-${name} takes no value`, SEE_HELP)
      values.set(flag.names[0], inline === 'false' ? 'false' : true)
    } else {
      const value = inline ?? args[++at]
      if (value === undefined || value === '') return wrong(`${given[0]} needs ${flag.value}`, SEE_HELP)
      values.set(flag.names[0], value)
    }
  }
  if (isOn(values, 'h')) return { what: 'help' }
  if (isOn(values, 'v')) return { what: 'version' }
  return serve(values)
}

function serve(values: ReadonlyMap<string, string | true>): Command {
  const options: Record<string, unknown> = { ...DEFAULTS }
  for (const row of OPTIONS) {
    const value = row.flag && values.get(row.flag.names[0])
    if (value === undefined) continue
    const read = READERS[row.key]?.(value) ?? value
    const fault = row.check(read)
    if (fault !== undefined)
      return wrong(`-${row.flag?.names[0]} must be ${fault}, not ${JSON.stringify(value)}`, row.doc)
    options[row.key] = read
  }
  const [user, pass] = [values.get('user'), values.get('pass')]
  if ((user === undefined) !== (pass === undefined)) {
    return wrong(`--${user === undefined ? 'pass' : 'user'} alone lets nobody in`, 'Give --user and --pass together.')
  }
  if (user !== undefined && options.token !== undefined) {
    return wrong('--auth and --user exclude each other', 'Keep one of them.')
  }
  if (user !== undefined) options.users = [{ user, pass }]
  if (isOn(values, 'DV')) options.trace = true
  return {
    what: 'serve',
    options: options as HeadwaterOptions,
    pidFile: values.get('P') as string | undefined,
    logLevel: options.trace === true ? 'trace' : isOn(values, 'D') ? 'debug' : 'info',
  }
}

/** Numbers and switches; the rest stays text. */
const READERS: Readonly<Record<string, (value: string | true) => unknown>> = {
  port: numberIn,
  monitor: numberIn,
  sync: (value) => (/^\d/.test(String(value)) ? numberIn(value) : value),
  scrub: (value) => (value === 'off' ? false : numberIn(value)),
  jetstream: (value) => value === true,
  trace: (value) => value === true,
}

function numberIn(value: string | true): number {
  return /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
}

function isOn(values: ReadonlyMap<string, string | true>, name: string): boolean {
  return values.get(name) === true
}

function flagsByName(): Map<string, { names: readonly string[]; value?: string }> {
  const flags = [...OPTIONS.flatMap((row) => (row.flag ? [row.flag] : [])), ...OTHER_FLAGS]
  return new Map(flags.flatMap((flag) => flag.names.map((name) => [name, flag])))
}

function wrong(message: string, hint: string): Command {
  return { what: 'wrong', message, hint }
}
