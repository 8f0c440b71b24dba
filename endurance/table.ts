/** A table of counts at the end of a run: whole numbers with separators, the rest with one decimal. */
export function printTable(counts: Readonly<Record<string, number | string>>): void {
  const rows = Object.entries(counts).map(([name, value]) => [name, typeof value === 'string' ? value : shown(value)])
  const width = Math.max(...rows.map(([name]) => name.length))
  const right = Math.max(...rows.map(([, value]) => value.length))
  console.log('')
  for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value.padStart(right)}`)
  console.log('')
}

function shown(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: Number.isInteger(value) ? 0 : 1 })
}
