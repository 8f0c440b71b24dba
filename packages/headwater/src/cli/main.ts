/**
 * The command `headwater`: reads the flags and serves, until a signal says stop; `headwater check` verifies a data folder.
 * Exit codes: 0 fine, 1 failed, 2 bad usage.
 */
import { SystemClock } from '../base/clock.ts'
import { NodeFileSystem } from '../base/node-fs.ts'
import { check } from './check.ts'
import { checkHelp } from './check-text.ts'
import { commandOf } from './flags.ts'
import { helpText, versionText } from './help.ts'
import { serve } from './serve.ts'

// Whoever read our output may go away (`headwater | head`): the server serves on, and what it would say is dropped.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const command = commandOf(process.argv.slice(2))
switch (command.what) {
  case 'help':
    process.stdout.write(`${helpText()}\n`)
    break
  case 'version':
    process.stdout.write(`${versionText()}\n`)
    break
  case 'wrong':
    process.stderr.write(`headwater: ${command.message}\n  ${command.hint}\n`)
    process.exitCode = 2
    break
  case 'check-help':
    process.stdout.write(`${checkHelp()}\n`)
    break
  case 'check':
    process.exitCode = await check(command, {
      fs: new NodeFileSystem(),
      clock: new SystemClock(),
      say: (line) => process.stdout.write(`${line}\n`),
      log: (line) => process.stderr.write(line),
    })
    break
  case 'serve':
    process.exitCode = await serve(command, {
      clock: new SystemClock(),
      say: (line) => process.stdout.write(`${line}\n`),
      log: (line) => process.stderr.write(line),
      onSignal: (handle) => {
        process.on('SIGINT', () => handle('SIGINT'))
        process.on('SIGTERM', () => handle('SIGTERM'))
      },
      exit: (code) => process.exit(code),
    })
}
