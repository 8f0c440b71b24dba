/** What an option's value may be: small checks that answer with the sentence that says what was expected. */

/** Undefined when the value is fine; otherwise what it should be, to follow "must be". */
export type Check = (value: unknown) => string | undefined

/** An integer between `low` and `high`, both included. */
export function integer(low: number, high: number = Number.MAX_SAFE_INTEGER): Check {
  const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`
  return (value) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high
      ? undefined
      : `a whole number ${range}`
}

/** One of these very values. */
export function only(...values: readonly unknown[]): Check {
  return (value) => (values.includes(value) ? undefined : values.map((one) => JSON.stringify(one)).join(' or '))
}

/** A text that is not empty. */
export function text(what: string = 'a text'): Check {
  return (value) => (typeof value === 'string' && value !== '' ? undefined : `${what}, not empty`)
}

/** What any of the checks accepts. */
export function either(...checks: readonly Check[]): Check {
  return (value) => {
    const faults = checks.map((check) => check(value))
    return faults.includes(undefined) ? undefined : faults.join(', or ')
  }
}

/** An object of which `keys` are functions: a port of ours that the caller implements. */
export function port(what: string, ...keys: readonly string[]): Check {
  return (value) => {
    const given = value as Record<string, unknown> | null
    const fits = typeof given === 'object' && given !== null && keys.every((key) => typeof given[key] === 'function')
    return fits ? undefined : `${what} (an object with ${keys.join(', ')})`
  }
}

/** A list whose items pass `check`. */
export function listOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return 'a list'
    for (const item of value) {
      const fault = check(item)
      if (fault !== undefined) return `a list of: ${fault}`
    }
    return undefined
  }
}

/** An object with exactly these fields, each passing its check. */
export function record(fields: Readonly<Record<string, Check>>): Check {
  return (value) => {
    if (typeof value !== 'object' || value === null) return `{ ${Object.keys(fields).join(', ')} }`
    for (const key of Object.keys(value)) if (!(key in fields)) return `without ${key}, which is not known here`
    for (const [key, check] of Object.entries(fields)) {
      const fault = check((value as Record<string, unknown>)[key])
      if (fault !== undefined) return `an object whose ${key} is ${fault}`
    }
    return undefined
  }
}
