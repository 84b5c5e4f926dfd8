import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort, scratch, startService, type Service } from './processes.ts'

const run = promisify(execFile)

export interface Redis extends Service {
  readonly url: string
  /** Bytes that its data takes. */
  usedMemory(): Promise<number>
  /** How many keys it has. */
  keys(): Promise<number>
  /** Forgets everything. */
  clear(): Promise<void>
}

/** Starts a Redis of our own, without persistence. Undefined where there is none on this machine. */
export async function startRedis (): Promise<Redis | undefined> {
  const port = await freePort()
  const ask = async (...args: string[]) =>
    (await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...args])).stdout
  try {
    await Promise.all([run('redis-server', ['--version']), run('redis-cli', ['--version'])])
  } catch {
    return undefined
  }
  const service = await startService('redis-server', 'redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    scratch()
  ], { port })
  return {
    ...service,
    url: `redis://127.0.0.1:${port}`,
    usedMemory: async () => Number(/^used_memory:(\d+)/m.exec(await ask('info', 'memory'))![1]),
    keys: async () => Number(await ask('dbsize')),
    async clear () {
      await ask('flushall')
    }
  }
}
