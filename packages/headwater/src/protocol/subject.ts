/** Subjects: dot-separated tokens, of which `*` stands for exactly one and a last `>` for one or more. Pure functions over strings. */

const SPACE = 0x20
const TAB = 0x09
const LF = 0x0a
const FF = 0x0c
const CR = 0x0d
const STAR = 0x2a
const DOT = 0x2e
const GREATER = 0x3e

/** Whether `s` may be subscribed to: non-empty tokens, no blanks or line ends, `>` as a whole token only in the last place. */
export function isValidSubject(s: string): boolean {
  return check(s, false)
}

/** Whether `s` is valid and names one subject: no token of it is `*` or `>`. */
export function isLiteral(s: string): boolean {
  return check(s, true)
}

function check(s: string, literal: boolean): boolean {
  if (s.length === 0) return false
  let start = 0
  for (let i = 0; i <= s.length; i++) {
    const c = i === s.length ? DOT : s.charCodeAt(i)
    if (c === SPACE || c === TAB || c === LF || c === FF || c === CR) return false
    if (c !== DOT) continue
    if (i === start) return false
    if (i === start + 1) {
      const only = s.charCodeAt(start)
      if (only === GREATER && (literal || i !== s.length)) return false
      if (only === STAR && literal) return false
    }
    start = i + 1
  }
  return true
}

/** The tokens of `s`, in order. */
export function tokensOf(s: string): string[] {
  return s.split('.')
}

/** Whether `pattern` matches the literal subject `literal`. Neither is validated. */
export function subjectMatches(pattern: string, literal: string): boolean {
  let p = 0
  let l = 0
  for (;;) {
    if (l > literal.length) return p > pattern.length
    if (p > pattern.length) return false
    const pEnd = tokenEnd(pattern, p)
    const lEnd = tokenEnd(literal, l)
    if (isToken(pattern, p, pEnd, GREATER) && pEnd === pattern.length) return true
    if (!isToken(pattern, p, pEnd, STAR) && !sameToken(pattern, p, pEnd, literal, l, lEnd)) return false
    p = pEnd + 1
    l = lEnd + 1
  }
}

/** Whether every literal that `a` matches is matched by `b` too. */
export function isSubsetOf(a: string, b: string): boolean {
  let i = 0
  let j = 0
  for (;;) {
    if (i > a.length) return j > b.length
    if (j > b.length) return false
    const aEnd = tokenEnd(a, i)
    const bEnd = tokenEnd(b, j)
    if (isToken(b, j, bEnd, GREATER)) return true
    if (isToken(a, i, aEnd, GREATER)) return false
    if (!isToken(b, j, bEnd, STAR)) {
      if (isToken(a, i, aEnd, STAR) || !sameToken(a, i, aEnd, b, j, bEnd)) return false
    }
    i = aEnd + 1
    j = bEnd + 1
  }
}

/** Whether some literal is matched by both `a` and `b`. */
export function subjectsCollide(a: string, b: string): boolean {
  let i = 0
  let j = 0
  for (;;) {
    if (i > a.length || j > b.length) return i > a.length && j > b.length
    const aEnd = tokenEnd(a, i)
    const bEnd = tokenEnd(b, j)
    if (isToken(a, i, aEnd, GREATER) || isToken(b, j, bEnd, GREATER)) return true
    const wild = isToken(a, i, aEnd, STAR) || isToken(b, j, bEnd, STAR)
    if (!wild && !sameToken(a, i, aEnd, b, j, bEnd)) return false
    i = aEnd + 1
    j = bEnd + 1
  }
}

/** Whether `s` may name a stream or a consumer: 1 to 255 bytes without `.`, `*`, `>`, slashes, blanks or control characters. */
export function isValidName(s: string): boolean {
  if (s.length === 0 || s.length > 255) return false
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return !/[\s.*>\\/\x00-\x1f\x7f]/.test(s) && (s.length < 86 || new TextEncoder().encode(s).length <= 255)
}

function tokenEnd(s: string, start: number): number {
  const dot = s.indexOf('.', start)
  return dot === -1 ? s.length : dot
}

function isToken(s: string, start: number, end: number, only: number): boolean {
  return end === start + 1 && s.charCodeAt(start) === only
}

function sameToken(a: string, aStart: number, aEnd: number, b: string, bStart: number, bEnd: number): boolean {
  if (aEnd - aStart !== bEnd - bStart) return false
  for (let i = aStart, j = bStart; i < aEnd; i++, j++) if (a.charCodeAt(i) !== b.charCodeAt(j)) return false
  return true
}
