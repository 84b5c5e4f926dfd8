import { readFileSync } from 'node:fs'

/** Version of this package, from its package.json beside `src` or above `dist`. */
export function packageVersion (): string {
  version ??= readVersion()
  return version
}

let version: string | undefined

function readVersion (): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { version: string }).version
    } catch {}
  }
  return '0.0.0'
}
