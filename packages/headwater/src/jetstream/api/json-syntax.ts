/** Says what is wrong with a text that is not JSON, in the words that JetStream clients know from Go's decoder. */

/** The error of a text that JSON.parse refused; walks it once, to the first character that cannot stand there. */
export function jsonSyntaxError(text: string): string {
  const scanner = new Scanner(text)
  return scanner.find() ?? 'unexpected EOF'
}

/** A recursive walk with an explicit stack: requests come from outside, and depth must not be theirs to choose. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The first syntax error, or undefined when the text ends too early. */
  find(): string | undefined {
    const closers: string[] = []
    // What may come next: a value, an object's key, a key's colon, or what follows a value.
    let next: 'value' | 'first-value' | 'key' | 'first-key' | 'colon' | 'after' = 'value'
    for (;;) {
      this.#skipBlanks()
      if (this.#at >= this.#text.length) return undefined
      const char = this.#text[this.#at]
      switch (next) {
        case 'first-key':
        case 'key':
          if (char === '}' && next === 'first-key') {
            closers.pop()
            this.#at++
            next = 'after'
            break
          }
          if (char !== '"') return this.#bad('looking for beginning of object key string')
          {
            const error = this.#string()
            if (error !== '') return error
          }
          next = 'colon'
          break
        case 'colon':
          if (char !== ':') return this.#bad('after object key')
          this.#at++
          next = 'value'
          break
        case 'first-value':
        case 'value': {
          if (char === ']' && next === 'first-value') {
            closers.pop()
            this.#at++
            next = 'after'
            break
          }
          if (char === '{' || char === '[') {
            closers.push(char === '{' ? '}' : ']')
            this.#at++
            next = char === '{' ? 'first-key' : 'first-value'
            break
          }
          const error = char === '"' ? this.#string() : this.#word()
          if (error !== '') return error
          next = 'after'
          break
        }
        case 'after': {
          const closer = closers.at(-1)
          // One value and then something: the decoder reads on as if for another value.
          if (closer === undefined) return this.#bad('looking for beginning of value')
          if (char === closer) {
            closers.pop()
            this.#at++
          } else if (char === ',') {
            this.#at++
            next = closer === '}' ? 'key' : 'value'
          } else {
            return this.#bad(closer === '}' ? 'after object key:value pair' : 'after array element')
          }
        }
      }
    }
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text[this.#at])) this.#at++
  }

  /** '' when a string was read, an error text, or undefined at the end of the text. */
  #string(): string | undefined {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]
      if (char === '"') {
        this.#at++
        return ''
      }
      if (char < ' ') return this.#bad('in string literal')
      if (char !== '\\') continue
      this.#at++
      if (this.#at >= this.#text.length) return undefined
      const escaped = this.#text[this.#at]
      if (escaped === 'u') {
        for (let digit = 0; digit < 4; digit++) {
          this.#at++
          if (this.#at >= this.#text.length) return undefined
          if (!/[0-9a-fA-F]/.test(this.#text[this.#at])) return this.#bad('in \\u hexadecimal character escape')
        }
      } else if (!'"\\/bfnrt'.includes(escaped)) return this.#bad('in string escape code')
    }
    return undefined
  }

  /** A number or one of the three words; same results as #string. */
  #word(): string | undefined {
    const rest = this.#text.slice(this.#at, this.#at + 400)
    const number = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/.exec(rest)
    if (number) {
      this.#at += number[0].length
      return ''
    }
    for (const word of ['true', 'false', 'null']) {
      if (rest[0] !== word[0]) continue
      for (let i = 1; i < word.length; i++) {
        this.#at++
        if (this.#at >= this.#text.length) return undefined
        if (this.#text[this.#at] !== word[i]) return this.#bad(`in literal ${word} (expecting '${word[i]}')`)
      }
      this.#at++
      return ''
    }
    if (rest[0] === '-') {
      this.#at++
      return this.#at < this.#text.length ? this.#bad('in numeric literal') : undefined
    }
    return this.#bad('looking for beginning of value')
  }

  #bad(where: string): string {
    const char = this.#text[this.#at]
    const shown = char === "'" ? "'\\''" : char === '"' ? `'"'` : `'${JSON.stringify(char).slice(1, -1)}'`
    return `invalid character ${shown} ${where} at offset ${this.#at + 1}`
  }
}
