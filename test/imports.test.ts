import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { projectFolder } from './fixtures/paths.ts'

const ROOT = projectFolder

/** The files that are loaded with a file: types cost nothing, and a dynamic import runs only when it is reached. */
function importsOf (file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest)
  return source.statements.flatMap(statement => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
    const { moduleSpecifier } = statement
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) return []
    const { text } = moduleSpecifier
    return text.startsWith('.') && loads(statement) ? [resolve(dirname(file), text)] : []
  })
}

function loads (statement: ts.ImportDeclaration | ts.ExportDeclaration): boolean {
  if (ts.isExportDeclaration(statement)) return !statement.isTypeOnly
  const clause = statement.importClause
  // Type specifiers alone load the file all the same unless the whole import is of types: verbatimModuleSyntax.
  return clause === undefined || clause.phaseModifier !== ts.SyntaxKind.TypeKeyword
}

/** Every file of the project that is loaded with a file, and the one that imports it. */
function closure (entry: string): Map<string, string> {
  const found = new Map([[entry, '']])
  for (const [file] of found) {
    for (const imported of importsOf(file)) if (!found.has(imported)) found.set(imported, file)
  }
  return found
}

await t.test('the service loads nothing that only the command line needs', async t => {
  const found = closure(resolve(ROOT, 'src/server.ts'))
  const path = (file: string): string => {
    const by = found.get(file)
    return `${by ? `${path(by)} > ` : ''}${relative(ROOT, file)}`
  }
  t.ok(found.size > 60, 'the closure is there')
  t.ok(found.has(resolve(ROOT, 'routes/doctor.ts')), 'the route of the doctor is in it')
  const unwanted = [...found.keys()].filter(file =>
    /^src\/(sandbox|sip|probe|explain|doctor|cli)\/|^src\/ladder\/ladder\.ts$/.test(relative(ROOT, file))
  )
  t.same(unwanted.map(path), [])
})
