/** The order flow as a command: runs it, prints what was found, and exits 0 only when every order adds up. */
import 'reflect-metadata'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FlowResult, runFlow } from './flow.ts'
import { type FlowOptions, help, readOptions, UsageError } from './options.ts'
import { type Finding, reconcile } from './reconcile.ts'

process.exitCode = await main(process.argv.slice(2))
// Readers that wait for messages which will not come hold sockets and timers; the work is done.
process.exit()

async function main(args: string[]): Promise<number> {
  let options: FlowOptions | undefined
  try {
    options = readOptions(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${help}`)
    return 2
  }
  if (!options) {
    console.log(help)
    return 0
  }
  const folder = mkdtempSync(join(tmpdir(), 'headwater-orders-'))
  try {
    const result = await runFlow(options, folder)
    const findings = reconcile(result.evidence)
    print(result, findings)
    return findings.every((finding) => finding.wrong.length === 0) ? 0 : 1
  } catch (error) {
    console.error('\nThe order flow did not get to its end:', error)
    return 1
  } finally {
    if (options.keep) console.log(`Kept: ${folder}`)
    else rmSync(folder, { recursive: true, force: true })
  }
}

function print(result: FlowResult, findings: Finding[]): void {
  const { progress, evidence } = result
  const rows = findings.map((finding) => [
    finding.wrong.length === 0 ? 'ok' : 'WRONG',
    finding.what,
    String(finding.expected),
    String(finding.found),
  ])
  console.log(`\n${table(['', 'what', 'expected', 'found'], rows)}`)
  console.log(
    `\n${table(
      ['', 'count', 'per second'],
      [
        ['orders acknowledged', String(progress.acknowledged), rate(progress.acknowledged, result.publishSeconds)],
        ['orders processed', String(progress.processed), rate(progress.processed, result.processSeconds)],
        ['publishes tried again', String(progress.publishRetries), ''],
        ['answered as duplicate', String(progress.duplicateAcks), ''],
        ['messages redelivered', String(progress.redelivered), ''],
        ['recognised by the inbox', String(progress.recognised), ''],
        ['broker killed', String(progress.brokerKills), ''],
        ['ledger crashed', String(progress.ledgerCrashes), ''],
      ],
    )}`,
  )
  const wrong = findings.flatMap((finding) => finding.wrong.map((text) => `${finding.what}: ${text}`))
  for (const text of wrong.slice(0, 30)) console.log(`WRONG  ${text}`)
  if (wrong.length > 30) console.log(`       and ${wrong.length - 30} more`)
  const verdict = wrong.length === 0 ? `all ${evidence.orders} orders add up` : `${wrong.length} differences`
  console.log(`\n${verdict} on ${result.server}, after ${progress.seconds.toFixed(1)} s`)
}

function rate(count: number, seconds: number): string {
  return Math.round(count / seconds).toLocaleString('en')
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
