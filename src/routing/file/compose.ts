import { Composer, Lexer, Parser, YAMLParseError, type CST, type Document, type LineCounter } from 'yaml'

/** Nothing in the file needs to be nested deeper. The parser itself would go on until its stack is used up. */
const DEEPEST = 62

/** The text is nested too deeply from this character on. */
export class TooDeepError extends Error {
  readonly offset: number

  constructor (offset: number) {
    super('nested too deeply')
    this.offset = offset
  }
}

/**
 * Parses the first document of a text, as `parseDocument` of yaml does. It stops where the text is nested too deeply.
 * @throws {TooDeepError}
 */
export function composeText (text: string, lineCounter: LineCounter): Document {
  // A text of many slips is as many errors, and most of the time would go into their stacks.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return compose(text, lineCounter)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

function compose (text: string, lineCounter: LineCounter): Document {
  // Its own check for duplicate keys compares each with each.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'error' })
  let first: Document | undefined
  for (const document of composer.compose(tokensOf(text, lineCounter), true, text.length)) {
    if (!first) {
      first = document
      continue
    }
    const [start, end] = document.range
    first.errors.push(new YAMLParseError([start, end], 'MULTIPLE_DOCS', 'more than one document'))
    break
  }
  // The composer makes an empty document of a text that has none.
  return first!
}

function * tokensOf (text: string, { addNewLine }: LineCounter): Generator<CST.Token> {
  const parser = new Parser(addNewLine)
  addNewLine(0)
  for (const lexeme of new Lexer().lex(text)) {
    yield * parser.next(lexeme)
    if (parser.stack.length > DEEPEST) throw new TooDeepError(parser.offset - lexeme.length)
  }
  yield * parser.end()
}
