import { parseArgs } from 'node:util'
import { isError, problemLine } from '../routing/file/problems.ts'
import { plain } from '../terminal.ts'
import { readRoutesInput, type RoutesInput } from './routes-input.ts'
import type { RoutesIo } from './routes.ts'

/** `bridge routes check`: everything that is wrong with a routes file. Resolves to the exit code. */
export async function checkRoutes (args: string[], io: RoutesIo): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'boolean' } } })
  const input = await readRoutesInput(positionals, io)
  if (values.json) io.out(JSON.stringify(resultOf(input), null, 2))
  else {
    for (const line of problemLines(input)) io.out(line)
    io.out(summaryOf(input))
  }
  return input.table ? 0 : 1
}

/** The problems in the form that editors and terminals understand, one a line. */
export const problemLines = ({ name, problems }: RoutesInput): string[] =>
  problems.map(problem => plain(problemLine(name, problem)))

const resultOf = ({ name, table, problems }: RoutesInput) =>
  ({ file: name, usable: table !== undefined, ...(table && { routes: table.names.length }), problems })

function summaryOf ({ name, table, problems }: RoutesInput): string {
  const errors = problems.filter(isError).length
  const counts = [count(errors, 'error'), count(problems.length - errors, 'warning')]
  const found = counts.filter(text => text !== '').join(', ')
  if (!table) return `${plain(name)} cannot be used: ${found}`
  return `${plain(name)} can be used: ${count(table.names.length, 'route') || 'no routes'}${found && `, ${found}`}`
}

const count = (n: number, what: string): string => n === 0 ? '' : `${n} ${what}${n === 1 ? '' : 's'}`
