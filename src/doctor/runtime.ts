import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { settingsWarnings, type Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import type { Check } from './check.ts'

/** As `engines` of package.json has it. */
const OLDEST_NODE = '20.19.0'
/** The first one that can make Callee rules. */
const OLDEST_SDK = '2.16.0'

/** What this process runs on and with. */
export const runtimeCheck: Check = {
  name: 'runtime',
  title: "Are Node.js and LiveKit's SDK new enough, and are the settings sensible?",
  readOnly: true,
  limitMs: 2000,
  async run ({ settings }) {
    return runtimeFindings({ node: process.versions.node, sdk: sdkVersion(), settings })
  }
}

/** @param found.sdk undefined: not known. Pure. */
export function runtimeFindings (
  { node, sdk, settings }: { node: string, sdk: string | undefined, settings: Settings }
): Finding[] {
  const old: Finding[] = [
    ...(isOlder(node, OLDEST_NODE)
      ? [
        {
          code: 'node-old',
          severity: 'failed',
          seen: `This is Node.js ${node}; the bridge needs ${OLDEST_NODE} or newer`,
          todo: 'Run it with a newer Node.js'
        } satisfies Finding
        ]
      : []),
    ...(sdk !== undefined && isOlder(sdk, OLDEST_SDK)
      ? [
        {
          code: 'livekit-sdk-old',
          severity: 'failed',
          seen: `livekit-server-sdk is ${sdk}: before ${OLDEST_SDK} it makes no Callee rule`,
          todo: 'Install the dependencies as package-lock.json has them',
          command: 'npm ci'
        } satisfies Finding
        ]
      : [])
  ]
  return [
    ...(old.length > 0
      ? old
      : [
        {
          code: 'runtime-ok',
          severity: 'ok',
          seen: `Node.js ${node}, livekit-server-sdk ${sdk ?? 'of unknown version'}`
        } satisfies Finding
        ]),
    // What the service warns of when it starts.
    ...settingsWarnings(settings).map(
      seen => ({
        code: 'settings-unwise',
        severity: 'warning',
        seen,
        todo: 'Change the setting, unless this is intended'
      } satisfies Finding)
    )
  ]
}

/** Whether a version comes before another; what is behind the three numbers does not count. */
export function isOlder (version: string, other: string): boolean {
  const [own, least] = [version, other].map(text => text.split(/[.-]/).slice(0, 3).map(Number)) as [number[], number[]]
  const i = own.findIndex((part, i) => part !== least[i])
  return i >= 0 && own[i]! < least[i]!
}

/** The package's own exports hide its package.json. */
function sdkVersion (): string | undefined {
  try {
    const entry = fileURLToPath(import.meta.resolve('livekit-server-sdk'))
    const root = entry.slice(0, entry.lastIndexOf('livekit-server-sdk') + 'livekit-server-sdk'.length)
    const { version } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { version?: unknown }
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
