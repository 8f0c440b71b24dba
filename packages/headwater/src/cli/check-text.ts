/** What `headwater check` prints for people: findings, what was read, what to do next; and its help. */
import type { CheckReport, Finding } from '../store/check-report.ts'
import type { SalvageReport, SavedReport } from '../store/salvage.ts'

const RANGES_MAX = 20

const MARKS = { lost: 'LOST ', mendable: 'MEND ', note: 'note ' } as const

/** What `headwater check --help` prints. */
export function checkHelp(): string {
  return [
    'headwater check: reads a data folder while no server runs on it, and says what is damaged.',
    '',
    'Usage: headwater check DIR [--json] [--repair TO]',
    '',
    '  DIR          the data folder (./headwater-data, or what --store_dir says)',
    '  --json       one JSON document instead of text',
    '  --repair TO  save everything that holds into the new folder TO; DIR is never changed',
    '  -h, --help   print this and end',
    '',
    'Reads every frame of the journal, every message and index of every segment, the checkpoints and subjects, and whether',
    'they agree. LOST: something is gone, and the line says what. MEND: nothing is gone, the next start makes it good.',
    'Exit codes: 0 fine, 1 damage was found (or the check failed), 2 bad usage.',
  ].join('\n')
}

/** The report of a check, as lines. */
export function checkLines(report: CheckReport): string[] {
  const { files, bytes, frames, streams, messages, findings, fine, starts, folder } = report
  return [
    ...findings.flatMap(findingLines),
    `read     ${files} files, ${bytes} bytes: ${frames} frames in the journal; ${streams} streams with ${messages} messages`,
    fine ? `fine     ${folder}` : `damaged  ${folder}`,
    ...adviceFor(report.fine, starts, findings),
  ]
}

function findingLines({ severity, file, offset, what, lost }: Finding): string[] {
  const place = offset === undefined ? file : `${file}, byte ${offset}`
  return [`${MARKS[severity]} ${place}: ${what}`, `      lost: ${lost}`]
}

function adviceFor(fine: boolean, starts: boolean, findings: readonly Finding[]): string[] {
  if (fine) return []
  if (!starts) {
    return [
      'next     No server starts on this folder. Restore a backup to another folder, or save what is left:',
      '         headwater check DIR --repair TO, and start the server on TO.',
    ]
  }
  if (findings.every(({ severity }) => severity !== 'lost')) return ['next     Nothing to do: a start makes it good.']
  return [
    'next     A server starts on this folder, serves the rest, and says the same. Before it does, copy the folder, or save',
    '         what is left: headwater check DIR --repair TO may find more than a start does.',
  ]
}

/** The report of a salvage, as lines, after those of its check. */
export function salvageLines({ to, streams, messages, whole }: SalvageReport): string[] {
  return [
    ...streams.flatMap(savedLines),
    `saved    ${streams.length} streams with ${messages} messages in ${to}`,
    whole ? 'whole    nothing is lost' : 'lost     what is said above; the damaged folder is as it was: keep it',
  ]
}

function savedLines({ stream, messages, consumers, lost, notes }: SavedReport): string[] {
  const ranges = lost.slice(0, RANGES_MAX).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
  if (lost.length > RANGES_MAX) ranges.push(`and ${lost.length - RANGES_MAX} more (--json has all)`)
  return [
    `stream   ${stream}: ${messages} messages and ${consumers} consumers saved`,
    ...(ranges.length > 0 ? [`         not in the copy: sequences ${ranges.join(', ')}`] : []),
    ...notes.slice(0, RANGES_MAX).map((note) => `         ${note}`),
  ]
}
