import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { project } from '../test/fixtures/paths.ts'

/*
 * Copies the alert rules and the dashboard into the Helm chart, which cannot read files outside of its folder. With
 * --check it only reports whether they are the same.
 */

const CHART = 'deploy/helm/jambonz-livekit-bridge/files'

/** Files of the chart by what they are copies of. */
const COPIES = {
  'deploy/prometheus/alerts.yaml': `${CHART}/alerts.yaml`,
  'deploy/grafana/bridge.json': `${CHART}/dashboard.json`
}

/** Copies of the chart that are not as they should be. */
export const staleCopies = (): string[] =>
  Object.entries(COPIES).filter(([file, copy]) => read(file) !== read(copy)).map(([, copy]) => copy)

function read (path: string): string | undefined {
  try {
    return readFileSync(project(path), 'utf8')
  } catch {
    return undefined
  }
}

function main (): void {
  const stale = staleCopies()
  if (process.argv.includes('--check')) {
    for (const copy of stale) console.error(`${copy} is not up to date: run npm run docs`)
    process.exitCode = stale.length > 0 ? 1 : 0
    return
  }
  for (const [file, copy] of Object.entries(COPIES)) writeFileSync(project(copy), readFileSync(project(file)))
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main()
