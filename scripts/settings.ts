import { readFileSync, writeFileSync } from 'node:fs'
import { ALIASES, SettingsSchema } from '../src/config.ts'

/*
 * Writes what is made of the settings' schema: .env.example, and the table in README.md. `--check` only compares.
 */

interface Setting {
  description: string
  default?: unknown
  examples: unknown[]
}
const settings = Object.entries(SettingsSchema.properties as unknown as Record<string, Setting>)
const required = new Set(SettingsSchema.required as readonly string[])
const BEGIN = '<!-- settings: made by npm run docs -->'
const END = '<!-- /settings -->'

const table = [
  '| name | default | |',
  '| --- | --- | --- |',
  ...settings.map(([name, setting]) =>
    `| \`${name}\` | ${
      name === 'JAMBONZ_WEBHOOK_SECRET'
        ? '**required**, or Basic'
        : isRequired(name)
        ? '**required**'
        : setting.default === undefined
        ? '–'
        : `\`${String(setting.default)}\``
    } | ${setting.description.replaceAll('|', '\\|')} |`
  )
].join('\n')

const example = [
  '# Settings of jambonz-livekit-bridge. Copy to .env; a variable that is set already wins, an empty one counts as ' +
  'unset.',
  `# Also accepted: ${Object.entries(ALIASES).map(([alias, name]) => `${alias} for ${name}`).join(', ')}.`,
  ...settings.flatMap(([name, setting]) => {
    const value = String(setting.default ?? setting.examples[0])
    return [
      '',
      `# ${setting.description}${isRequired(name) ? ' (required)' : ''}`,
      `${isRequired(name) ? '' : '#'}${name}=${/[#\s'"]/.test(value) ? `'${value}'` : value}`
    ]
  }),
  ''
].join('\n')

/** One way of authenticating hooks must be chosen; the file shows the one that Jambonz always has. */
function isRequired (name: string): boolean {
  return name === 'JAMBONZ_WEBHOOK_SECRET' ||
    (required.has(name) &&
      (SettingsSchema.properties as unknown as Record<string, Setting>)[name]!.default === undefined)
}

const readme = readFileSync('README.md', 'utf8')
const [before, rest] = readme.split(BEGIN)
const after = rest?.split(END)[1]
if (before === undefined || after === undefined) throw new Error(`README.md lacks ${BEGIN} … ${END}`)
const files = { 'README.md': `${before}${BEGIN}\n${table}\n${END}${after}`, '.env.example': example }

let stale = false
for (const [file, text] of Object.entries(files)) {
  if (!process.argv.includes('--check')) writeFileSync(file, text)
  else if (read(file) !== text) {
    stale = true
    console.error(`${file} does not fit src/config.ts any more. Run: npm run docs`)
  }
}
if (stale) process.exit(1)

function read (file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
