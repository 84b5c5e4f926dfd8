import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { routes } from '../src/cli/routes.ts'
import { project, projectFolder } from '../test/fixtures/paths.ts'

/*
 * Fills docs/routes.md with the files of docs/routes, and with what the commands print about them. With --check it only
 * reports whether the page is up to date.
 */

export const EXAMPLES_PAGE = 'docs/routes.md'

/** What the commands find where they run. The page is written on a Tuesday. */
const ENV = {
  PUBLIC_URL: 'https://bridge.example.com',
  LIVEKIT_URL: 'wss://livekit.example.com',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'vjnxecm0tjk.sip.livekit.cloud',
  LIVEKIT_AGENT_NAME: 'my-agent',
  JAMBONZ_WEBHOOK_SECRET: 'wh_secret_abc',
  RETELL_API_KEY: 'key'
}
const NOW = Date.parse('2026-12-01T10:30:00+01:00')
const ZONE = 'Europe/Berlin'
const CALL_SID = 'd3e72b5d-3d2c-4622-aca0-a3216ddd5219'

const FILE = /<!-- file: (\S+) -->\n```yaml\n[^]*?```/g
const RUN = /<!-- run -->\n```console\n[^]*?```/g

/** The page with its files and outputs as they are now. */
export async function filledPage (page: string): Promise<string> {
  const withFiles = page.replace(FILE, (_, file: string) =>
    `<!-- file: ${file} -->\n\`\`\`yaml\n${readFileSync(project(file), 'utf8')}\`\`\``)

  const parts: string[] = []
  let end = 0
  for (const { 0: fence, index } of withFiles.matchAll(RUN)) {
    const commands = fence.split('\n').filter(line => line.startsWith('$ '))
    const outputs: string[] = []
    for (const command of commands) outputs.push(command, ...await run(command))
    parts.push(withFiles.slice(end, index), `<!-- run -->\n\`\`\`console\n${outputs.join('\n')}\n\`\`\``)
    end = index + fence.length
  }
  return parts.join('') + withFiles.slice(end)
}

/** Lines that a command prints. */
async function run (command: string): Promise<string[]> {
  const [, program, name, ...args] = words(command)
  if (program !== 'bridge' || name !== 'routes') throw new Error(`${EXAMPLES_PAGE}: not run here: ${command}`)

  const fixed = args[0] === 'test' && !args.includes('--call-sid') ? ['--call-sid', CALL_SID] : []
  const lines: string[] = []
  const print = (line: string): void => {
    lines.push(line.trimEnd())
  }
  await routes([...args, ...fixed], { env: ENV, out: print, err: print, stdin: nothing(), now: () => NOW })
  return lines
}

/** A command line as a shell reads it, with single quotes only. */
const words = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

async function * nothing (): AsyncGenerator<Uint8Array> {}

/** The checked-in page, and what it should be. */
export async function examplesPage (): Promise<{ page: string, filled: string }> {
  const { TZ } = process.env
  const folder = process.cwd()
  process.env['TZ'] = ZONE
  process.chdir(projectFolder)
  try {
    const page = readFileSync(project(EXAMPLES_PAGE), 'utf8')
    return { page, filled: await filledPage(page) }
  } finally {
    process.chdir(folder)
    if (TZ === undefined) delete process.env['TZ']
    else process.env['TZ'] = TZ
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { page, filled } = await examplesPage()
  if (!process.argv.includes('--check')) writeFileSync(project(EXAMPLES_PAGE), filled)
  else if (page !== filled) {
    process.exitCode = 1
    console.error(`${EXAMPLES_PAGE} is not up to date with docs/routes and the commands. Run: npm run docs`)
  }
}
