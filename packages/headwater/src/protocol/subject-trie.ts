/**
 * The one trie: values under subjects with wildcards, found by a literal subject.
 * Subscriptions, permissions, stream overlap and consumer filters use it; routes and caches stand in front where it is hot.
 *
 *   insert('a.*', x)  insert('a.>', y)         match('a.b') visits x and y
 *
 *   root -- a --+-- star: [x]
 *               +-- rest: [y]                  `>` is not a node: its values lie at the token before it
 */

interface TrieNode<T> {
  /** Values whose subject ends here. */
  values: T[] | undefined
  /** Values whose subject goes on with a last `>`. */
  rest: T[] | undefined
  star: TrieNode<T> | undefined
  children: Map<string, TrieNode<T>> | undefined
}

/** Values by subject. The same value may lie under several subjects, and several times under one. */
export class SubjectTrie<T> {
  readonly #root: TrieNode<T> = emptyNode()
  #size = 0

  /** How many values were inserted and not removed. */
  get size(): number {
    return this.#size
  }

  /** Puts `value` under `subject`, which must be valid (not checked). */
  insert(subject: string, value: T): void {
    let node = this.#root
    for (const token of subject.split('.')) {
      if (token === '>') {
        node.rest = node.rest ?? []
        node.rest.push(value)
        this.#size++
        return
      }
      if (token === '*') {
        node.star = node.star ?? emptyNode()
        node = node.star
      } else {
        node.children = node.children ?? new Map()
        let child = node.children.get(token)
        if (child === undefined) node.children.set(token, (child = emptyNode()))
        node = child
      }
    }
    node.values = node.values ?? []
    node.values.push(value)
    this.#size++
  }

  /** Takes one `value` from under exactly `subject`; false when it was not there. Empty branches go with it. */
  remove(subject: string, value: T): boolean {
    const tokens = subject.split('.')
    const path: TrieNode<T>[] = [this.#root]
    let node = this.#root
    const isRest = tokens[tokens.length - 1] === '>'
    for (let i = 0; i < tokens.length - (isRest ? 1 : 0); i++) {
      const next = tokens[i] === '*' ? node.star : node.children?.get(tokens[i])
      if (next === undefined) return false
      path.push((node = next))
    }
    const list = isRest ? node.rest : node.values
    const at = list === undefined ? -1 : list.lastIndexOf(value)
    if (list === undefined || at === -1) return false
    list.splice(at, 1)
    if (list.length === 0) {
      if (isRest) node.rest = undefined
      else node.values = undefined
      prune(path, tokens)
    }
    this.#size--
    return true
  }

  /** Visits every value whose subject matches `literal`. The trie must not be changed meanwhile. */
  match(literal: string, visit: (value: T) => void): void {
    visitMatches(this.#root, literal, 0, visit)
  }

  /** Whether any value's subject matches `literal`. */
  hasMatch(literal: string): boolean {
    return anyMatch(this.#root, literal, 0)
  }

  /**
   * Whether every literal that starts with `prefix` (which ends in a dot) and has exactly one token more matches the same values:
   * no subject here names that last token.
   */
  sameForEveryLastToken(prefix: string): boolean {
    return sameBelow(this.#root, prefix, 0)
  }
}

function emptyNode<T>(): TrieNode<T> {
  return { values: undefined, rest: undefined, star: undefined, children: undefined }
}

function isBare<T>(node: TrieNode<T>): boolean {
  return node.values === undefined && node.rest === undefined && node.star === undefined && node.children === undefined
}

function prune<T>(path: TrieNode<T>[], tokens: string[]): void {
  for (let i = path.length - 1; i > 0 && isBare(path[i]); i--) {
    const parent = path[i - 1]
    if (tokens[i - 1] === '*') parent.star = undefined
    else {
      parent.children?.delete(tokens[i - 1])
      if (parent.children?.size === 0) parent.children = undefined
    }
  }
}

function each<T>(values: T[] | undefined, visit: (value: T) => void): void {
  if (values !== undefined) for (let i = 0; i < values.length; i++) visit(values[i])
}

function visitMatches<T>(node: TrieNode<T>, literal: string, start: number, visit: (value: T) => void): void {
  each(node.rest, visit)
  const dot = literal.indexOf('.', start)
  const token = dot === -1 ? literal.slice(start) : literal.slice(start, dot)
  const child = node.children?.get(token)
  if (dot === -1) {
    each(child?.values, visit)
    each(node.star?.values, visit)
    return
  }
  if (child !== undefined) visitMatches(child, literal, dot + 1, visit)
  if (node.star !== undefined) visitMatches(node.star, literal, dot + 1, visit)
}

function anyMatch<T>(node: TrieNode<T>, literal: string, start: number): boolean {
  if (node.rest !== undefined) return true
  const dot = literal.indexOf('.', start)
  const token = dot === -1 ? literal.slice(start) : literal.slice(start, dot)
  const child = node.children?.get(token)
  if (dot === -1) return child?.values !== undefined || node.star?.values !== undefined
  return (
    (child !== undefined && anyMatch(child, literal, dot + 1)) ||
    (node.star !== undefined && anyMatch(node.star, literal, dot + 1))
  )
}

function sameBelow<T>(node: TrieNode<T>, prefix: string, start: number): boolean {
  if (start === prefix.length) {
    if (node.children === undefined) return true
    for (const child of node.children.values()) if (child.values !== undefined) return false
    return true
  }
  const dot = prefix.indexOf('.', start)
  const child = node.children?.get(prefix.slice(start, dot))
  if (child !== undefined && !sameBelow(child, prefix, dot + 1)) return false
  return node.star === undefined || sameBelow(node.star, prefix, dot + 1)
}
