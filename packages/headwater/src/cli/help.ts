/** What `headwater --help` and `--version` print, from the same tables that the flags are read by. */
import { PROTOCOL_VERSION } from '../protocol/server-info.ts'
import { OPTIONS } from '../server/option-table.ts'
import { VERSION } from '../server/version.ts'
import { OTHER_FLAGS } from './flag-table.ts'

/** One line: our own version, and the protocol that clients see. */
export function versionText(): string {
  return `headwater ${VERSION} (speaks NATS ${PROTOCOL_VERSION})`
}

/** Every flag, with what it is for. */
export function helpText(): string {
  const rows = [...OPTIONS.flatMap((row) => (row.flag ? [{ ...row.flag, doc: row.doc }] : [])), ...OTHER_FLAGS].map(
    ({ names, value, doc }) => {
      const dashed = names.map((name) => `${name.length > 2 ? '--' : '-'}${name}`).join(', ')
      return { left: `${dashed}${value === undefined ? '' : ` ${value}`}`, doc }
    },
  )
  const width = Math.max(...rows.map((row) => row.left.length))
  return [
    'headwater: durable event streaming over the NATS protocol. Acknowledged means synced.',
    '',
    'Usage: headwater [flags]           serves',
    '       headwater check DIR         verifies a data folder, and saves what is left of it (headwater check --help)',
    '',
    ...rows.map((row) => `  ${row.left.padEnd(width)}  ${row.doc}`),
    '',
    'Without flags: clients on 127.0.0.1:4222, data in ./headwater-data, JetStream on.',
    'Flags take one or two dashes, `-p 4222` or `-p=4222`. Exit codes: 0 fine, 1 failed, 2 bad usage.',
  ].join('\n')
}
