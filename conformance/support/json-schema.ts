/** Checks a value against the part of JSON Schema (draft 7) that the official JetStream schemas use. */
import type { Json } from './json.ts'

export interface Schema {
  readonly [keyword: string]: Json
}

/** The first violation as text, or undefined. */
export function violation(schema: Schema, value: unknown, path = '$'): string | undefined {
  const alternatives: Schema[] | undefined = schema.oneOf ?? schema.anyOf
  if (alternatives) {
    const problems = alternatives.map((alternative) => violation(alternative, value, path))
    if (problems.every((problem) => problem !== undefined))
      return `${path}: fits none of ${alternatives.length}: ${problems.join(' | ')}`
  }
  for (const part of schema.allOf ?? []) {
    const problem = violation(part, value, path)
    if (problem) return problem
  }
  if (schema.const !== undefined && value !== schema.const) return `${path}: is not ${JSON.stringify(schema.const)}`
  if (schema.enum && !schema.enum.includes(value))
    return `${path}: ${JSON.stringify(value)} is not one of ${JSON.stringify(schema.enum)}`
  if (schema.type && !hasType(value, schema.type)) return `${path}: ${JSON.stringify(value)} is not ${schema.type}`
  if (typeof value === 'string') return violationOfString(schema, value, path)
  if (typeof value === 'number') return violationOfNumber(schema, value, path)
  if (Array.isArray(value)) return violationOfArray(schema, value, path)
  if (typeof value === 'object' && value !== null)
    return violationOfObject(schema, value as Record<string, unknown>, path)
  return undefined
}

function hasType(value: unknown, type: string | string[]): boolean {
  if (Array.isArray(type)) return type.some((one) => hasType(value, one))
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'null') return value === null
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

function violationOfString(schema: Schema, value: string, path: string): string | undefined {
  if (schema.minLength !== undefined && value.length < schema.minLength)
    return `${path}: ${JSON.stringify(value)} is too short`
  if (schema.maxLength !== undefined && value.length > schema.maxLength) return `${path}: is too long`
  if (schema.pattern && !new RegExp(schema.pattern).test(value))
    return `${path}: ${JSON.stringify(value)} does not match ${schema.pattern}`
  if (schema.format === 'date-time' && Number.isNaN(Date.parse(value)))
    return `${path}: ${JSON.stringify(value)} is not a time`
  return undefined
}

function violationOfNumber(schema: Schema, value: number, path: string): string | undefined {
  if (schema.minimum !== undefined && value < schema.minimum) return `${path}: ${value} is under ${schema.minimum}`
  if (schema.maximum !== undefined && value > schema.maximum) return `${path}: ${value} is over ${schema.maximum}`
  return undefined
}

function violationOfArray(schema: Schema, value: unknown[], path: string): string | undefined {
  if (!schema.items) return undefined
  for (const [index, item] of value.entries()) {
    const problem = violation(schema.items, item, `${path}[${index}]`)
    if (problem) return problem
  }
  return undefined
}

function violationOfObject(schema: Schema, value: Record<string, unknown>, path: string): string | undefined {
  for (const name of schema.required ?? []) if (!(name in value)) return `${path}: ${name} is missing`
  for (const [name, inner] of Object.entries(value)) {
    const known: Schema | undefined = schema.properties?.[name]
    const rest = schema.additionalProperties
    if (!known && rest === false) return `${path}: ${name} is not a known field`
    const inside = known ?? (typeof rest === 'object' ? rest : undefined)
    const problem = inside && violation(inside, inner, `${path}.${name}`)
    if (problem) return problem
  }
  return undefined
}
