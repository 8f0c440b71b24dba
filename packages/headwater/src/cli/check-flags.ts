/** From the words behind `headwater check` to what to do. Pure. */

/** `headwater check DIR [--json] [--repair TO]`. */
export type CheckCommand =
  | { readonly what: 'check-help' }
  | { readonly what: 'wrong'; readonly message: string; readonly hint: string }
  | { readonly what: 'check'; readonly folder: string; readonly repairTo: string | undefined; readonly json: boolean }

const USAGE = 'headwater check DIR [--json] [--repair TO]; headwater check --help says more.'

/** Reads the arguments after `check`. Never throws. */
export function checkCommandOf(args: readonly string[]): CheckCommand {
  let folder: string | undefined
  let repairTo: string | undefined
  let json = false
  for (let at = 0; at < args.length; at++) {
    const [, name, inline] = /^--?([a-z]+)(?:=(.*))?$/s.exec(args[at]) ?? []
    if (name === 'h' || name === 'help') return { what: 'check-help' }
    if (name === 'json' && inline === undefined) json = true
    else if (name === 'repair') {
      repairTo = inline ?? args[++at]
      if (!repairTo || repairTo.startsWith('-')) return wrong('--repair needs the folder that the copy goes to')
    } else if (args[at].startsWith('-')) return wrong(`${args[at]} is not a flag of check`)
    else if (folder !== undefined) return wrong(`one folder at a time: ${folder}, or ${args[at]}`)
    else folder = args[at]
  }
  return folder ? { what: 'check', folder, repairTo, json } : wrong('check needs a data folder')
}

function wrong(message: string): CheckCommand {
  return { what: 'wrong', message, hint: USAGE }
}
