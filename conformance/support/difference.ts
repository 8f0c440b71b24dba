/** Where two observations part: for JSON the fields that differ, otherwise both texts. */

/** Lines of `path: judge X, headwater Y`. */
export function difference(judge: string, headwater: string): string[] {
  const theirs = parsed(judge)
  const ours = parsed(headwater)
  if (theirs === undefined || ours === undefined) return [`judge     ${judge}`, `headwater ${headwater}`]
  const lines: string[] = []
  compare(theirs, ours, '', lines)
  return lines.length > 0 ? lines : [`judge     ${judge}`, `headwater ${headwater}`]
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function compare(judge: unknown, headwater: unknown, path: string, lines: string[]): void {
  if (!isObject(judge) || !isObject(headwater)) {
    if (JSON.stringify(judge) !== JSON.stringify(headwater))
      lines.push(`${path}: judge ${show(judge)}, headwater ${show(headwater)}`)
    return
  }
  for (const key of new Set([...Object.keys(judge), ...Object.keys(headwater)])) {
    compare(judge[key], headwater[key], path ? `${path}.${key}` : key, lines)
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}
