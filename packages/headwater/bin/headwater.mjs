#!/usr/bin/env node
// The command `headwater`: the compiled CLI. The package ships it built; a clone builds it with `npm run build`.
import { existsSync } from 'node:fs'

const main = new URL('../dist/cli/main.js', import.meta.url)
if (existsSync(main)) {
  await import(main.href)
} else {
  console.error('headwater is not built yet: run `npm run build` in the clone, then this command again.')
  process.exitCode = 1
}
